//! An HTTP/1.1 server, with or without TLS, that applies faults to its responses. It knows no vendor: a [`Service`] makes the responses.
//!
//! A request passes through these modules:
//!
//! 1. [`listener`] holds the port, [`tls`] shakes hands, and [`connection`] serves a connection;
//! 2. [`exchange`] takes one [`Request`] through its steps and asks the [`Service`] for a [`Response`];
//! 3. [`apply_fault`] sends that response whole, as a [`body`], or breaks it, as a [`script`].

mod apply_fault;
mod body;
mod connection;
mod content;
mod counters;
mod exchange;
mod gzip;
mod listener;
mod request;
mod response;
mod script;
mod service;
mod tls;

use std::future::pending;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

use exchange::Shared;
use listener::{Connections, Port};

pub use content::Content;
pub(crate) use content::LINE_LENGTH;
pub(crate) use gzip::{checksum, gzip};
pub(crate) use request::Request;
pub(crate) use response::{Response, http_date};
pub(crate) use service::{Outcome, Service};
pub use tls::Tls;

/// A server on 127.0.0.1. It ends, with its connections, when it is dropped.
pub(crate) struct Server<S> {
    origin: String,
    shared: Arc<Shared<S>>,
    accept_loop: AbortHandle,
}

impl<S> Drop for Server<S> {
    fn drop(&mut self) {
        self.accept_loop.abort();
    }
}

impl<S: Service> Server<S> {
    /// Listens on this port of 127.0.0.1, or on any free one for 0. `service` receives the server's origin. `latency` is real
    /// time that passes before each response. The server runs on the Tokio runtime of the caller.
    ///
    /// # Errors
    /// The port cannot be bound.
    pub(crate) fn start(
        port: u16,
        tls: Option<Tls>,
        latency: Duration,
        service: impl FnOnce(&str) -> S,
    ) -> io::Result<Self> {
        let (port, listener) = Port::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let origin = format!("{scheme}://{}", listener.local_addr()?);
        let shared = Arc::new(Shared::new(service(&origin), port, tls, latency));
        // Subscribed before the task runs: it must notice a change that is requested before.
        let wanted = shared.port.wanted();
        let accept_loop = tokio::spawn(accept(listener, wanted, shared.clone())).abort_handle();
        Ok(Self { origin, shared, accept_loop })
    }

    /// `http://127.0.0.1:PORT`, or `https`.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// Locks the service. No request takes effect while the guard exists.
    pub(crate) fn service(&self) -> MutexGuard<'_, S> {
        self.shared.service()
    }

    /// Refuses new connections. Each open connection ends after its request in progress.
    pub(crate) async fn refuse_connections(&self) {
        self.shared.port.refuse_connections().await;
    }

    /// Accepts connections again.
    pub(crate) async fn accept_connections(&self) {
        self.shared.port.accept_connections().await;
    }

    /// The number of open connections.
    pub(crate) fn open_connections(&self) -> usize {
        self.shared.connections.count()
    }

    /// The number of requests in progress: until the last byte of the response is made, or the client disconnects.
    pub(crate) fn requests_in_progress(&self) -> usize {
        self.shared.requests.count()
    }

    /// The highest number of requests that were ever in progress at once.
    pub(crate) fn peak_requests(&self) -> usize {
        self.shared.requests.peak()
    }
}

/// Accepts connections until it is aborted. The connections are aborted with it.
async fn accept<S: Service>(listener: TcpListener, mut wanted: watch::Receiver<Connections>, shared: Arc<Shared<S>>) {
    let mut connections = JoinSet::new();
    let mut listener = Some(listener);
    loop {
        let accepted = async {
            match &listener {
                Some(listener) => listener.accept().await,
                None => pending().await,
            }
        };
        tokio::select! {
            biased;
            Ok(()) = wanted.changed() => listener = shared.port.apply(listener.take()),
            accepted = accepted => match accepted {
                Ok((stream, _)) => {
                    let connection = connection::serve(stream, shared.clone(), shared.port.wanted());
                    connections.spawn(connection);
                }
                // The process has probably too many open files. Retry once other connections may have ended.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}
