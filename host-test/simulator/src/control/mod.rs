//! The control API: programs in any language create simulated brands over HTTP.
//!
//! | request | body | response |
//! |---|---|---|
//! | `POST /scenarios` | a [`Scenario`] | 201: starts the brand on a port of its own; the origin and the OAuth client |
//! | `POST /scenarios/1` | a [`Change`] | 204: applies the change |
//! | `GET /scenarios/1` | | 200: [`Observations`] |
//! | `DELETE /scenarios/1` | | 204: ends the brand |
//!
//! An invalid body causes 400. The response is a sentence that states the error.

mod scenario;

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

use crate::qualtrics::Brand;
use crate::qualtrics::sample::{SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET};
use crate::simulator::Simulator;

pub use scenario::{Change, Observations, Scenario, ScenarioBrand, ScenarioPerson};

/// A server of the control API. It ends, with its brands, when it is dropped.
pub struct Control {
    origin: String,
    accept_loop: AbortHandle,
}

/// The brands that are running.
#[derive(Default)]
struct Scenarios {
    last_number: u64,
    running: HashMap<u64, Arc<Running>>,
}

/// A running brand.
struct Running {
    simulator: Simulator,
    /// The addresses for which the brand has ever held data, in lower case.
    addresses: Mutex<BTreeSet<String>>,
}

/// The body of the response to `POST /scenarios`.
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
        self.accept_loop.abort();
    }
}

impl Control {
    /// Listens on this port of 127.0.0.1, or on any free one for 0. The server runs on the Tokio runtime of the caller.
    ///
    /// # Errors
    /// The port cannot be bound.
    pub async fn start(port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
        let origin = format!("http://{}", listener.local_addr()?);
        let accept_loop = tokio::spawn(accept(listener)).abort_handle();
        Ok(Self { origin, accept_loop })
    }

    /// `http://127.0.0.1:PORT`
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }
}

/// Accepts connections until it is aborted. The connections and brands are dropped with it.
async fn accept(listener: TcpListener) {
    let scenarios = Arc::new(Mutex::new(Scenarios::default()));
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let _ = stream.set_nodelay(true);
                    let scenarios = scenarios.clone();
                    let service = service_fn(move |request| handle(scenarios.clone(), request));
                    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                    connections.spawn(async { drop(connection.await) });
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

type ControlResponse = Response<Full<Bytes>>;

async fn handle(scenarios: Arc<Mutex<Scenarios>>, request: Request<Incoming>) -> Result<ControlResponse, Infallible> {
    let (head, body) = request.into_parts();
    let Ok(body) = body.collect().await else { return Ok(rejection("the body of the request is incomplete")) };
    let body = body.to_bytes();
    let path: Vec<&str> = head.uri.path().trim_matches('/').split('/').collect();
    Ok(match path.as_slice() {
        ["scenarios"] if head.method == Method::POST => create(&scenarios, &body).await,
        ["scenarios", number] => {
            let number = number.parse().unwrap_or(0);
            let running = lock(&scenarios).running.get(&number).cloned();
            match (&head.method, running) {
                (_, None) => response(StatusCode::NOT_FOUND, "there is no scenario with this number"),
                (&Method::GET, Some(running)) => json(StatusCode::OK, &running.observe()),
                (&Method::POST, Some(running)) => match running.change(&body).await {
                    Ok(()) => response(StatusCode::NO_CONTENT, ""),
                    Err(reason) => rejection(&reason),
                },
                (&Method::DELETE, Some(_)) => {
                    lock(&scenarios).running.remove(&number);
                    response(StatusCode::NO_CONTENT, "")
                }
                _ => response(StatusCode::METHOD_NOT_ALLOWED, "a scenario takes GET, POST and DELETE"),
            }
        }
        _ => response(StatusCode::NOT_FOUND, "the only resource is /scenarios"),
    })
}

async fn create(scenarios: &Mutex<Scenarios>, body: &[u8]) -> ControlResponse {
    let started = async { parse::<Scenario>(body)?.start().await };
    let simulator = match started.await {
        Ok(simulator) => simulator,
        Err(reason) => return rejection(&reason),
    };
    let origin = simulator.origin();
    let running = Running { simulator, addresses: Mutex::default() };
    running.note_addresses();
    let mut scenarios = lock(scenarios);
    scenarios.last_number += 1;
    let number = scenarios.last_number;
    scenarios.running.insert(number, Arc::new(running));
    let scenario = format!("/scenarios/{number}");
    let started = Started { scenario, origin, client_id: SAMPLE_CLIENT_ID, client_secret: SAMPLE_CLIENT_SECRET };
    json(StatusCode::CREATED, &started)
}

impl Running {
    async fn change(&self, body: &[u8]) -> Result<(), String> {
        parse::<Change>(body)?.apply(&self.simulator).await?;
        self.note_addresses();
        Ok(())
    }

    fn observe(&self) -> Observations {
        // A client can have created contacts.
        self.note_addresses();
        let addresses = lock(&self.addresses).clone();
        Observations::of(&self.simulator, addresses)
    }

    /// Adds the addresses for which the brand holds data now.
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

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

fn json(status: StatusCode, value: &impl Serialize) -> ControlResponse {
    match serde_json::to_string(value) {
        Ok(body) => response(status, &body),
        Err(error) => response(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

fn rejection(reason: &str) -> ControlResponse {
    response(StatusCode::BAD_REQUEST, reason)
}

fn response(status: StatusCode, body: &str) -> ControlResponse {
    let mut response = Response::new(Full::from(body.to_owned()));
    *response.status_mut() = status;
    response
}
