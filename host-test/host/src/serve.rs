//! Serves a gateway over HTTP/1.1.

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;

use crate::gateway::Service;

/// How long a caller may take to send the headers of a request, and a connection may be idle.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);

/// The delay after a connection could not be accepted, most likely because too many files are open.
const ACCEPT_RETRY: Duration = Duration::from_millis(10);

impl Service {
    /// Serves HTTP/1.1 until `shutdown` completes, then accepts no more requests, and returns when those in progress have their
    /// response.
    ///
    /// There is no TLS: callers are on the same machine, or behind a proxy on it.
    pub async fn serve(&self, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        let connections = GracefulShutdown::new();
        let mut shutdown = pin!(shutdown);
        loop {
            let stream = tokio::select! {
                accepted = listener.accept() => accepted,
                () = &mut shutdown => break,
            };
            let Ok((stream, _)) = stream else {
                tokio::time::sleep(ACCEPT_RETRY).await;
                continue;
            };
            // Small responses must not wait for acknowledgements of earlier ones.
            let _ = stream.set_nodelay(true);
            let service = self.clone();
            let service = service_fn(move |request| {
                let service = service.clone();
                async move { Ok::<_, Infallible>(service.respond(request).await) }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADER_TIMEOUT)
                .serve_connection(TokioIo::new(stream), service);
            tokio::spawn(connections.watch(connection));
        }
        connections.shutdown().await;
    }
}
