//! Simulated brands to order, over HTTP: for programs in any language that run scenarios.
//!
//! | | |
//! |---|---|
//! | `POST /scenarios` | starts the brand of a [`Scenario`], on a port of its own: 201, where it is, and its OAuth client |
//! | `POST /scenarios/1` | lets a [`Change`] happen: 204 |
//! | `GET /scenarios/1` | what was [`Seen`] |
//! | `DELETE /scenarios/1` | ends it: 204 |
//!
//! What cannot be read or does not fit is answered 400, with a sentence.

use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::TcpListener;
use tokio::task::{AbortHandle, JoinSet};

use super::sample::{SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET};
use super::scenario::{Change, Scenario, Seen};
use super::{Brand, Simulator};

/// The control of simulated brands. When it is dropped, they end with it.
pub struct Control {
    origin: String,
    listening: AbortHandle,
}

/// All brands that were started and not ended.
#[derive(Default)]
struct Scenarios {
    last: u64,
    running: HashMap<u64, Arc<Running>>,
}

struct Running {
    simulator: Simulator,
    /// Every address that the brand ever knew, in lower case.
    addresses: Mutex<BTreeSet<String>>,
}

/// The answer to `POST /scenarios`.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Started {
    scenario: String,
    origin: String,
    client_id: &'static str,
    client_secret: &'static str,
}

impl Drop for Control {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl Control {
    /// Listens on 127.0.0.1, on tasks of the Tokio runtime that it is called in; port 0 is any free one.
    ///
    /// # Errors
    /// If the port cannot be had.
    pub async fn start(port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
        let origin = format!("http://{}", listener.local_addr()?);
        let listening = tokio::spawn(listen(listener)).abort_handle();
        Ok(Self { origin, listening })
    }

    /// `http://127.0.0.1:PORT`
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }
}

async fn listen(listener: TcpListener) {
    let scenarios = Arc::new(Mutex::new(Scenarios::default()));
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let _ = stream.set_nodelay(true);
                    let scenarios = scenarios.clone();
                    let service = service_fn(move |request| attend(scenarios.clone(), request));
                    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                    connections.spawn(async { drop(connection.await) });
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

type Answer = Response<Full<Bytes>>;

async fn attend(scenarios: Arc<Mutex<Scenarios>>, request: Request<Incoming>) -> Result<Answer, Infallible> {
    let (head, body) = request.into_parts();
    let Ok(body) = body.collect().await else { return Ok(refusal("the body broke off")) };
    let body = body.to_bytes();
    let path: Vec<&str> = head.uri.path().trim_matches('/').split('/').collect();
    Ok(match path.as_slice() {
        ["scenarios"] if head.method == Method::POST => begin(&scenarios, &body).await,
        ["scenarios", number] => {
            let number = number.parse().unwrap_or(0);
            let running = lock(&scenarios).running.get(&number).cloned();
            match (&head.method, running) {
                (_, None) => answer(StatusCode::NOT_FOUND, "there is no such scenario"),
                (&Method::GET, Some(running)) => json(StatusCode::OK, &running.seen()),
                (&Method::POST, Some(running)) => match running.change(&body).await {
                    Ok(()) => answer(StatusCode::NO_CONTENT, ""),
                    Err(reason) => refusal(&reason),
                },
                (&Method::DELETE, Some(_)) => {
                    lock(&scenarios).running.remove(&number);
                    answer(StatusCode::NO_CONTENT, "")
                }
                _ => answer(StatusCode::METHOD_NOT_ALLOWED, "a scenario takes GET, POST and DELETE"),
            }
        }
        _ => answer(StatusCode::NOT_FOUND, "there is /scenarios, and nothing else"),
    })
}

async fn begin(scenarios: &Mutex<Scenarios>, body: &[u8]) -> Answer {
    let started = async { read::<Scenario>(body)?.start().await };
    let simulator = match started.await {
        Ok(simulator) => simulator,
        Err(reason) => return refusal(&reason),
    };
    let origin = simulator.origin();
    let running = Running { simulator, addresses: Mutex::default() };
    running.note_addresses();
    let mut scenarios = lock(scenarios);
    scenarios.last += 1;
    let number = scenarios.last;
    scenarios.running.insert(number, Arc::new(running));
    let scenario = format!("/scenarios/{number}");
    let client = (SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET);
    json(StatusCode::CREATED, &Started { scenario, origin, client_id: client.0, client_secret: client.1 })
}

impl Running {
    async fn change(&self, body: &[u8]) -> Result<(), String> {
        read::<Change>(body)?.befall(&self.simulator).await?;
        self.note_addresses();
        Ok(())
    }

    fn seen(&self) -> Seen {
        let addresses = lock(&self.addresses).clone();
        Seen::of(&self.simulator, addresses)
    }

    fn note_addresses(&self) {
        let known = self.simulator.with_brand(|brand| addresses(brand).map(str::to_lowercase).collect::<Vec<_>>());
        lock(&self.addresses).extend(known);
    }
}

fn addresses(brand: &Brand) -> impl Iterator<Item = &str> {
    let contacts = brand.directories.iter().flat_map(|directory| &directory.contacts);
    let contacts = contacts.filter_map(|contact| contact.email.as_deref());
    let responses = brand.responses.iter().filter_map(|response| response.email.as_deref());
    contacts.chain(responses).chain(brand.users.iter().map(|user| user.email.as_str()))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

fn json(status: StatusCode, value: &impl Serialize) -> Answer {
    match serde_json::to_string(value) {
        Ok(text) => answer(status, &text),
        Err(error) => answer(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

fn refusal(reason: &str) -> Answer {
    answer(StatusCode::BAD_REQUEST, reason)
}

fn answer(status: StatusCode, text: &str) -> Answer {
    let mut response = Response::new(Full::from(text.to_owned()));
    *response.status_mut() = status;
    response
}
