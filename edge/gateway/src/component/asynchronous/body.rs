//! The bodies of requests and responses, with an idle time-out.

use std::pin::pin;

use futures::future::{Either, select};
use wit_bindgen::{FutureReader, FutureWriter, StreamReader, StreamResult, StreamWriter};

use crate::arguments::Arguments;
use crate::component::bindings::wasi::clocks0_3_0::monotonic_clock;
use crate::component::bindings::wasi::http0_3_0::types::{ErrorCode, Request, Trailers};
use crate::component::bindings::{wit_future, wit_stream};
use crate::component::connector::Composed;
use crate::component::instance::IDLE_TIMEOUT_NS;
use crate::document::{Document, Truncated};
use crate::http::Interrupted;
use crate::problem::Details;
use crate::response::Payload;

/// The maximum number of bytes per read.
const READ_BYTES: usize = 64 * 1024;

/// How the end of a body is reported.
type End = Result<Option<Trailers>, ErrorCode>;

/// Receives the rest of the arguments.
///
/// # Errors
/// 408 and 413.
pub(super) async fn receive(request: Request, arguments: &mut Arguments) -> Result<(), Details> {
    if arguments.is_complete() {
        return Ok(());
    }
    let (_handled, result) = wit_future::new(|| Ok(()));
    let (mut stream, end) = Request::consume_body(request, result);
    let mut end = Some(end);
    while !arguments.is_complete() {
        let bytes = next(&mut stream, &mut end).await.map_err(|Interrupted| Details::interrupted())?;
        arguments.push(&bytes)?;
    }
    Ok(())
}

/// The next bytes. They are empty only at the end of a body that was received as a whole.
async fn next(stream: &mut StreamReader<u8>, end: &mut Option<FutureReader<End>>) -> Result<Vec<u8>, Interrupted> {
    loop {
        let (result, bytes) = within_idle_timeout(stream.read(Vec::with_capacity(READ_BYTES))).await?;
        if !bytes.is_empty() {
            return Ok(bytes);
        }
        if result == StreamResult::Dropped {
            let end = end.take().ok_or(Interrupted)?;
            return within_idle_timeout(end.into_future()).await?.map(|_| Vec::new()).map_err(|_| Interrupted);
        }
    }
}

/// The body of a response. If it is dropped before its end, it is truncated.
pub(super) struct Contents {
    stream: StreamWriter<u8>,
    end: FutureWriter<End>,
}

impl Contents {
    /// A body, and what the host receives of it.
    pub(super) fn new() -> (Self, StreamReader<u8>, FutureReader<End>) {
        let (stream, contents) = wit_stream::new();
        let (end, trailers) = wit_future::new(|| Err(ErrorCode::HttpResponseIncomplete));
        (Self { stream, end }, contents, trailers)
    }

    /// Sends a payload as fast as the caller receives it. If a read of a document fails, the body is truncated.
    pub(super) async fn send(mut self, payload: Payload) {
        let sent = match payload {
            Payload::Full(bytes) => self.write(bytes).await,
            Payload::Streamed(document) => self.write_document(document).await,
        };
        if sent.is_ok() {
            drop(self.stream);
            // This fails only if the host has dropped the response.
            let _ = self.end.write(Ok(None)).await;
        }
    }

    async fn write_document(&mut self, mut document: Document) -> Result<(), Interrupted> {
        loop {
            let chunk = document.next_chunk(&mut Composed).map_err(|Truncated| Interrupted)?;
            if chunk.is_empty() {
                return Ok(());
            }
            self.write(chunk).await?;
        }
    }

    async fn write(&mut self, bytes: Vec<u8>) -> Result<(), Interrupted> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let (result, buffer) = within_idle_timeout(self.stream.write(rest)).await?;
            if result == StreamResult::Dropped {
                return Err(Interrupted);
            }
            rest = buffer.into_vec();
        }
        Ok(())
    }
}

/// Waits for the caller until the idle time-out.
async fn within_idle_timeout<T>(transfer: impl Future<Output = T>) -> Result<T, Interrupted> {
    match select(pin!(transfer), pin!(monotonic_clock::wait_for(IDLE_TIMEOUT_NS))).await {
        Either::Left((transferred, _)) => Ok(transferred),
        Either::Right(_) => Err(Interrupted),
    }
}
