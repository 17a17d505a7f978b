//! The bodies of request and answer, piece by piece and each within its time.

use super::bindings::wasi::clocks::monotonic_clock;
use super::bindings::wasi::http::types::{IncomingBody, IncomingRequest, OutgoingBody};
use super::bindings::wasi::io::poll::{Pollable, poll};
use super::bindings::wasi::io::streams::{InputStream, OutputStream, StreamError};
use crate::http::{Body, Interrupted};

/// The longest piece of a body that is asked of the host at once, in bytes.
const PIECE: u64 = 64 * 1024;

/// How long a caller may neither send nor take a byte, in nanoseconds.
const PATIENCE: u64 = 30_000_000_000;

/// The body of a request. Nothing of it is taken before it is read for the first time.
pub(super) struct Upload {
    /// Dropped in this order: a host may trap where a parent goes before its child.
    open: Option<(InputStream, IncomingBody)>,
    request: IncomingRequest,
}

impl Upload {
    pub(super) const fn new(request: IncomingRequest) -> Self {
        Self { open: None, request }
    }
}

impl Body for Upload {
    fn read(&mut self) -> Result<Vec<u8>, Interrupted> {
        if self.open.is_none() {
            let body = self.request.consume().map_err(|()| Interrupted)?;
            let stream = body.stream().map_err(|()| Interrupted)?;
            self.open = Some((stream, body));
        }
        let Some((stream, _)) = &self.open else { return Err(Interrupted) };
        loop {
            match stream.read(PIECE) {
                Ok(bytes) if bytes.is_empty() => wait(stream.subscribe())?,
                Ok(bytes) => return Ok(bytes),
                Err(StreamError::Closed) => return Ok(Vec::new()),
                // What the error says is left alone: asking for its text makes some hosts trap.
                Err(StreamError::LastOperationFailed(_)) => return Err(Interrupted),
            }
        }
    }
}

/// The body of an answer. To drop it before [`finish`](Self::finish) is to break it off.
pub(super) struct Download {
    /// Dropped in this order.
    stream: OutputStream,
    body: OutgoingBody,
}

impl Download {
    pub(super) fn new(body: OutgoingBody) -> Option<Self> {
        Some(Self { stream: body.write().ok()?, body })
    }

    /// Sends a piece, as fast as the caller takes it.
    pub(super) fn send(&self, mut bytes: &[u8]) -> Result<(), Interrupted> {
        while !bytes.is_empty() {
            let room = self.room()?;
            let (now, later) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
            self.stream.write(now).map_err(|_| Interrupted)?;
            bytes = later;
        }
        Ok(())
    }

    /// Ends the body as whole.
    pub(super) fn finish(self) {
        // Hosts differ in whether they send what was written before the stream is dropped.
        if self.stream.flush().is_ok() && self.room().is_ok() {
            drop(self.stream);
            // Fails only if the length is not that of `content-length`; then the host breaks the body off.
            let _ = OutgoingBody::finish(self.body, None);
        }
    }

    /// Waits until the host takes something, and says how much.
    fn room(&self) -> Result<usize, Interrupted> {
        loop {
            match self.stream.check_write().map_err(|_| Interrupted)? {
                0 => wait(self.stream.subscribe())?,
                room => return Ok(usize::try_from(room).unwrap_or(usize::MAX)),
            }
        }
    }
}

/// Waits for the caller, but not for ever.
fn wait(caller: Pollable) -> Result<(), Interrupted> {
    let patience = monotonic_clock::subscribe_duration(PATIENCE);
    let ready = poll(&[&caller, &patience]);
    if ready.contains(&0) { Ok(()) } else { Err(Interrupted) }
}
