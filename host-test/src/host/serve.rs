use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;

use super::gateway::Service;

/// How long a caller may take for the head of a request, and a connection may stay without one.
const HEAD: Duration = Duration::from_secs(30);

/// How long to wait where no connection can be accepted: too many files are open, most likely.
const BREATH: Duration = Duration::from_millis(10);

impl Service {
    /// Serves HTTP/1.1 until `end`, then takes no more requests, and returns when those under way are answered.
    ///
    /// Without TLS: for callers on the same machine, or behind a proxy on it.
    pub async fn serve(&self, listener: TcpListener, end: impl Future<Output = ()>) {
        let connections = GracefulShutdown::new();
        let mut end = pin!(end);
        loop {
            let stream = tokio::select! {
                accepted = listener.accept() => accepted,
                () = &mut end => break,
            };
            let Ok((stream, _)) = stream else {
                tokio::time::sleep(BREATH).await;
                continue;
            };
            // Small answers must not wait for the acknowledgement of the ones before them.
            let _ = stream.set_nodelay(true);
            let service = self.clone();
            let service = service_fn(move |request| {
                let service = service.clone();
                async move { Ok::<_, Infallible>(service.answer(request).await) }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD)
                .serve_connection(TokioIo::new(stream), service);
            // How a connection ends is its caller's affair.
            tokio::spawn(connections.watch(connection));
        }
        connections.shutdown().await;
    }
}
