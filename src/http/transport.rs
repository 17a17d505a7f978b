//! What carries requests: whole responses in batches, and one response read chunk by chunk.

use super::{Request, Response, ResponseHead};

/// Carries requests to the vendor.
pub trait Transport {
    /// Sends all requests, at most [`MAX_CONCURRENT`](super::MAX_CONCURRENT) of them concurrently, and reads every response to its
    /// end. Returns exactly one result per request, in the order of the requests. Redirects are not followed.
    fn exchange(&mut self, requests: Vec<Request>, limits: ExchangeLimits) -> Vec<Result<Response, TransportError>>;

    /// Sends one request and returns as soon as the head of the response has arrived.
    ///
    /// # Errors
    /// Why there is no response.
    fn open(
        &mut self,
        request: Request,
        limits: ExchangeLimits,
    ) -> Result<(ResponseHead, Box<dyn Body>), TransportError>;
}

/// The body of a response, read chunk by chunk. Dropping it closes the connection.
pub trait Body {
    /// The next chunk: at least one byte and at most `limit`, or none at the end of the body. `limit` must not be 0, because an
    /// empty chunk means the end.
    ///
    /// # Errors
    /// If the body ends early, or no byte arrives in time. After an error the body must not be read again.
    fn read(&mut self, limit: usize, limits: ExchangeLimits) -> Result<Vec<u8>, TransportError>;
}

/// The limits of one exchange. Times are in milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct ExchangeLimits {
    /// From the start of the request to the head of the response.
    pub response_ms: u64,
    /// Between two chunks of the body.
    pub idle_ms: u64,
    /// The instant ([`Clock::monotonic_ms`](super::Clock::monotonic_ms)) at which the exchange is abandoned, if it is earlier than
    /// the other two limits.
    pub deadline_ms: u64,
    /// The longest body that is read whole, in bytes.
    pub body_bytes: usize,
}

/// Why there is no response.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TransportError {
    /// Whether it is proved that no byte of the request reached the vendor.
    pub before_sending: bool,
    /// What happened.
    pub cause: Cause,
}

impl TransportError {
    /// An error that proves that no byte of the request reached the vendor.
    #[must_use]
    pub const fn before_sending(cause: Cause) -> Self {
        Self { before_sending: true, cause }
    }

    /// An error after which the vendor may have processed the request.
    #[must_use]
    pub const fn after_sending(cause: Cause) -> Self {
        Self { before_sending: false, cause }
    }
}

/// What happened to an exchange, in as much detail as retries and messages need.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    /// The host's egress policy denies the origin.
    Denied,
    /// The host name does not resolve.
    DnsFailure,
    /// Nothing accepts connections there, or there is no route.
    Unreachable,
    /// The certificate is not trusted, or TLS fails otherwise.
    Tls,
    /// The server rejects the client certificate of the host, or its absence.
    ClientCertificate,
    /// A proxy refuses to connect to the vendor.
    ProxyRefusal,
    /// A proxy fails to connect to the vendor, or cannot be reached.
    ProxyFailure,
    /// No response, or no further byte of it, arrived in time.
    TimedOut,
    /// The connection was closed, or the response is not HTTP.
    Interrupted,
    /// The body is longer than the limit of the exchange.
    BodyTooLarge,
    /// The host cannot send the request: a defect of the connector or of the host.
    InvalidRequest,
}
