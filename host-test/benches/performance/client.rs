//! What every client that is measured has in common.

use std::time::Duration;

use crate::connection::Connection;
use crate::meter::Sample;
use crate::results::{Flow, Reuse};

/// The simulated time between two requests on a reused connection. A shorter interval would exceed the limit of Qualtrics of 20
/// erasures per minute. An access token is valid for about 170 requests, and the cached list of users for 30.
pub const REQUEST_INTERVAL: Duration = Duration::from_secs(20);

/// A client that serves requests.
pub trait Client {
    /// The name of the client in the results.
    fn name(&self) -> &'static str;

    /// Selects the brand of all further requests, and whether they share a connection.
    fn select_brand(&mut self, connection: &Connection, reuse: Reuse);

    /// Serves one request for the data subject: gets an access token unless the connection is reused, polls until the request is
    /// done, and reads all documents.
    ///
    /// # Panics
    /// If the outcome is not the expected one.
    fn serve(&mut self, flow: Flow) -> Sample;
}
