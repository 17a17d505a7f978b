//! One connection of a client.

use std::convert::Infallible;
use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};

use super::apply_fault::Delivery;
use super::exchange::{Shared, exchange};
use super::listener::Connections;
use super::script::Script;
use super::service::Service;
use super::tls::accept;

/// Serves a connection until it ends. Once `wanted` changes, the connection ends after its request in progress.
pub(super) async fn serve<S: Service>(
    stream: TcpStream,
    shared: Arc<Shared<S>>,
    mut wanted: watch::Receiver<Connections>,
) {
    let _open = shared.connections.add();
    // Without this, a short response waits for the acknowledgement of the one before it.
    let _ = stream.set_nodelay(true);
    // The client knows from the alert why there is no connection.
    let Ok(stream) = accept(stream, shared.tls.as_ref()).await else { return };
    let (script_sender, mut scripts) = mpsc::channel::<Script>(1);
    let service = service_fn(move |request| -> Pin<Box<dyn Future<Output = _> + Send>> {
        let (shared, script_sender) = (shared.clone(), script_sender.clone());
        Box::pin(async move {
            match exchange(&shared, request).await {
                Delivery::Whole(response) => Ok::<_, Infallible>(response),
                Delivery::Broken(script) => {
                    let _ = script_sender.send(script).await;
                    pending().await
                }
            }
        })
    });
    // No read time-out: a client may stay silent for as long as it likes.
    let mut connection = http1::Builder::new()
        .auto_date_header(false)
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(stream), service);
    loop {
        tokio::select! {
            biased;
            _ = &mut connection => return,
            Some(script) = scripts.recv() => {
                // Take the socket away from hyper.
                let stream = connection.into_parts().io.into_inner();
                // The client may disconnect at any time, so that an error is expected here.
                let _ = script.play(stream).await;
                return;
            }
            Ok(()) = wanted.changed() => Pin::new(&mut connection).graceful_shutdown(),
        }
    }
}
