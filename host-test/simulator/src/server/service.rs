//! What the server needs of the service behind it.

use simulated_clock::Clock;

use super::content::Content;
use super::request::Request;
use super::response::Response;
use crate::faults::Fault;

/// Makes the responses of a server, and records its calls. The server calls one method at a time.
pub(crate) trait Service: Send + 'static {
    /// The clock of `Date` headers and of [`Fault::Drip`].
    fn clock(&self) -> &Clock;

    /// Applies what has become due since the last call. Called whenever the service is locked.
    fn update(&mut self);

    /// Records a request whose head was received. Returns the number of the call, and the fault to apply to it.
    fn begin(&mut self, request: &Request) -> (u64, Option<Fault>);

    /// Lets a request take effect. `in_progress` is the number of requests in progress, this one included.
    fn respond(&mut self, request: &Request, in_progress: usize) -> Response;

    /// An error response in the vendor's format, for [`Fault::Status`] and [`Fault::StatusAfterEffect`].
    fn error_response(&mut self, status: u16) -> Response;

    /// The body that replaces the body of a response under this fault. `None` leaves the body as it is.
    fn replacement_body(&self, fault: &Fault, response: &Response) -> Option<Content>;

    /// Records the body and the outcome of a call. Not called for a call whose body was not received.
    fn end(&mut self, call: u64, request: &Request, outcome: Outcome);
}

/// The result of a request.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outcome {
    /// Whether the service did what was requested.
    pub(crate) took_effect: bool,
    /// The status that is sent. `None` if no response is sent.
    pub(crate) status: Option<u16>,
}
