//! HTTP as the connector needs it: batches of requests, one streamed response body, and a clock. Names no vendor.
//!
//! The connector never opens a socket. It builds [`Request`]s and passes them to a [`Transport`]: `wasi:http` in the component, any
//! implementation natively.
//!
//! | module | what it holds |
//! |---|---|
//! | [`message`] | requests and responses |
//! | [`transport`] | the traits [`Transport`] and [`Body`], their limits and errors |
//! | [`clock`] | the trait [`Clock`] |
//! | [`origin`] | scheme and authority of a request |
//! | [`json`] | tolerant parsing of JSON bodies |
//! | [`web_page`] | telling web pages from data |
//! | [`retry`] | the retry policy |
//! | [`rate_limit`] | buckets, and the paths that a limit applies to |
//! | [`oauth`] | the OAuth 2.0 client credentials grant |

pub mod clock;
pub mod json;
pub mod message;
pub mod oauth;
pub mod origin;
pub mod rate_limit;
pub mod retry;
pub mod transport;
pub mod web_page;

pub use clock::Clock;
pub use message::{Method, Request, Response, ResponseHead};
pub use origin::Origin;
pub use transport::{Body, Cause, ExchangeLimits, Transport, TransportError};

/// The most concurrent requests. Clients of APIs with an unpublished concurrency limit commonly keep to four.
pub const MAX_CONCURRENT: usize = 4;
