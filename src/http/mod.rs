//! HTTP as the connector needs it: whole requests in batches, one streamed body, and a clock.
//!
//! The core never opens a socket. It describes [`Request`]s and hands them to a [`Transport`]; in the component that
//! is `wasi:http`, natively whatever the caller brings.

pub mod date;
pub mod origin;
pub mod pacing;
pub mod retry;

use core::fmt;

pub use origin::Origin;

use crate::prelude::*;
use crate::secret::Secret;

/// At most this many requests are under way at once: whether Qualtrics limits concurrency is unconfirmed (fact sheet
/// 3.3), and four is what its other clients keep to.
pub const MAX_CONCURRENT: usize = 4;

/// The methods that the connector uses. It never sends another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Method {
    /// Reads.
    Get,
    /// Searches and begins jobs.
    Post,
}

/// One request. Its body and its header values may hold personal data and secrets: it cannot be printed.
#[derive(Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Where it goes: only ever the origin of the connection's settings.
    pub origin: Origin,
    /// Path and query, percent-encoded, beginning with `/`. Never holds personal data.
    pub path: String,
    /// Header names, in lower case, with their values. Without `host` and `content-length`, which the transport sets.
    pub headers: Vec<(&'static str, Secret)>,
    /// The body; empty for none.
    pub body: Vec<u8>,
}

/// Status and headers of an answer.
#[derive(Clone, Default)]
pub struct Head {
    /// The HTTP status, 100 to 599.
    pub status: u16,
    /// Header names in lower case, with their values where these are text.
    pub headers: Vec<(String, String)>,
}

impl Head {
    /// The first header of this name, which is given in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// An answer, read to its end. Its body may hold personal data: it cannot be printed.
#[derive(Clone, Default)]
pub struct Response {
    /// Status and headers.
    pub head: Head,
    /// The body as it was sent.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Failure {
    /// Whether it is proved that the vendor never began to work on the request.
    pub began_nothing: bool,
    /// What went wrong.
    pub cause: Cause,
}

/// What went wrong with an exchange, as far as a person or a retry needs to tell it apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    /// The host's egress policy forbids the origin.
    Denied,
    /// The name does not resolve.
    NameNotFound,
    /// Nothing listens there, or no way leads there.
    Unreachable,
    /// The certificate is not to be trusted, or TLS fails.
    Tls,
    /// No answer, or no further byte of it, in time.
    TimedOut,
    /// The connection broke, or the answer is not HTTP.
    Broken,
    /// The body is larger than the limit of the exchange.
    TooLarge,
    /// The request could not be expressed; a defect of the connector or its host.
    Refused,
}

impl Failure {
    /// A failure after which the vendor may have begun.
    #[must_use]
    pub const fn lost(cause: Cause) -> Self {
        Self { began_nothing: false, cause }
    }

    /// A failure that proves that the vendor began nothing.
    #[must_use]
    pub const fn not_sent(cause: Cause) -> Self {
        Self { began_nothing: true, cause }
    }
}

/// The limits of one exchange, in milliseconds of the monotonic clock.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// From the start of the request to the head of the answer.
    pub response_ms: u64,
    /// Between two pieces of the body.
    pub idle_ms: u64,
    /// The instant ([`Clock::monotonic_ms`]) at which the whole call has to be over; earlier than both, it wins.
    pub deadline_ms: u64,
    /// The longest body, in bytes, that is read whole.
    pub body_bytes: usize,
}

/// Something that can carry requests to the vendor.
pub trait Transport {
    /// The body of an answer that is read piece by piece. Dropping it closes the connection.
    type Body: Body;

    /// Sends all requests, at most [`MAX_CONCURRENT`] at a time, and reads every answer to its end. The results stand
    /// in the order of the requests. Redirects are not followed.
    fn exchange(&mut self, requests: Vec<Request>, limits: Limits) -> Vec<Result<Response, Failure>>;

    /// Sends one request and returns as soon as the head of the answer is there.
    ///
    /// # Errors
    /// A [`Failure`] if there is no head.
    fn open(&mut self, request: Request, limits: Limits) -> Result<(Head, Self::Body), Failure>;
}

/// The body of an answer, read piece by piece.
pub trait Body {
    /// The next piece: at least one byte and at most `limit`, or none at the proper end of the body.
    ///
    /// # Errors
    /// A [`Failure`] if the body breaks off or nothing comes in time.
    fn read(&mut self, limit: usize, limits: Limits) -> Result<Vec<u8>, Failure>;
}

/// The time, and the wish to wait a little.
pub trait Clock {
    /// Milliseconds since 1970-01-01T00:00:00Z, as the host says.
    fn wall_ms(&self) -> u64;
    /// Milliseconds since some instant that does not change; never goes back.
    fn monotonic_ms(&self) -> u64;
    /// Waits. The connector asks for a few seconds at most.
    fn sleep(&self, ms: u64);
}

impl fmt::Debug for Request {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?} (path, headers and body hidden)", self.method)
    }
}
