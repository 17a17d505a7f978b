//! The bodies of requests and responses, with an idle time-out.

use crate::component::bindings::wasi::clocks0_2_0::monotonic_clock;
use crate::component::bindings::wasi::http0_2_0::types::{IncomingBody, IncomingRequest, OutgoingBody};
use crate::component::bindings::wasi::io::poll::{Pollable, poll};
use crate::component::bindings::wasi::io::streams::{InputStream, OutputStream, StreamError};
use crate::component::instance::IDLE_TIMEOUT_NS;
use crate::http::{Body, Interrupted};

/// The maximum number of bytes per read.
const READ_BYTES: u64 = 64 * 1024;

/// The body of a request. The stream is opened by the first read, so that the body of a rejected request is not received.
pub(super) struct RequestBody {
    /// The stream is dropped before its body: a host may trap if a parent is dropped before its child.
    open: Option<(InputStream, IncomingBody)>,
    request: IncomingRequest,
}

impl RequestBody {
    pub(super) const fn new(request: IncomingRequest) -> Self {
        Self { open: None, request }
    }
}

impl Body for RequestBody {
    fn read(&mut self) -> Result<Vec<u8>, Interrupted> {
        if self.open.is_none() {
            let body = self.request.consume().map_err(|()| Interrupted)?;
            let stream = body.stream().map_err(|()| Interrupted)?;
            self.open = Some((stream, body));
        }
        let Some((stream, _)) = &self.open else { return Err(Interrupted) };
        loop {
            match stream.read(READ_BYTES) {
                Ok(bytes) if bytes.is_empty() => wait(stream.subscribe())?,
                Ok(bytes) => return Ok(bytes),
                Err(StreamError::Closed) => return Ok(Vec::new()),
                // The error is not inspected: some hosts trap when its text is requested.
                Err(StreamError::LastOperationFailed(_)) => return Err(Interrupted),
            }
        }
    }
}

/// The body of a response. If it is dropped before [`finish`](Self::finish), it is truncated.
pub(super) struct ResponseBody {
    /// Dropped before its body, as for [`RequestBody`].
    stream: OutputStream,
    body: OutgoingBody,
}

impl ResponseBody {
    pub(super) fn new(body: OutgoingBody) -> Option<Self> {
        Some(Self { stream: body.write().ok()?, body })
    }

    /// Sends bytes as fast as the caller receives them.
    pub(super) fn send(&self, mut bytes: &[u8]) -> Result<(), Interrupted> {
        while !bytes.is_empty() {
            let capacity = self.capacity()?;
            let (now, later) = bytes.split_at_checked(capacity).unwrap_or((bytes, &[]));
            self.stream.write(now).map_err(|_| Interrupted)?;
            bytes = later;
        }
        Ok(())
    }

    /// Ends the body as complete.
    pub(super) fn finish(self) {
        // Some hosts discard written bytes when the stream is dropped without a flush.
        if self.stream.flush().is_ok() && self.capacity().is_ok() {
            drop(self.stream);
            // This fails only if the length differs from `content-length`. The host then truncates the body.
            let _ = OutgoingBody::finish(self.body, None);
        }
    }

    /// Waits until the host accepts bytes, and returns how many.
    fn capacity(&self) -> Result<usize, Interrupted> {
        loop {
            match self.stream.check_write().map_err(|_| Interrupted)? {
                0 => wait(self.stream.subscribe())?,
                capacity => return Ok(usize::try_from(capacity).unwrap_or(usize::MAX)),
            }
        }
    }
}

/// Waits for the caller until the idle time-out.
fn wait(caller: Pollable) -> Result<(), Interrupted> {
    let timeout = monotonic_clock::subscribe_duration(IDLE_TIMEOUT_NS);
    let ready = poll(&[&caller, &timeout]);
    if ready.contains(&0) { Ok(()) } else { Err(Interrupted) }
}
