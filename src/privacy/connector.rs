//! What every connector provides: the contract's functions, on an instance that holds one connection.

use crate::contract::{Chunk, Connection, DeletionMode, Error, Manifest, Progress, Request, Right, Setting, Task};

/// One connection to a vendor system. The functions are those of `wit/connector.wit`, which documents them in full.
pub trait Connector {
    /// The connector's manifest. Makes no network call.
    fn describe(&self) -> Manifest;
    /// Applies settings: all of them or none. Makes no network call.
    fn configure(&mut self, settings: Vec<Setting>) -> Result<(), Error>;
    /// Tests the connection for these rights, without changing anything.
    fn check(&mut self, rights: Vec<Right>) -> Result<Connection, Error>;
    /// Starts access requests. One result per request, in order.
    fn access(&mut self, requests: Vec<Request>) -> Vec<Result<Progress, Error>>;
    /// Starts deletion requests. One result per request, in order.
    fn delete(&mut self, requests: Vec<Request>, mode: DeletionMode) -> Vec<Result<Progress, Error>>;
    /// Starts opt-out requests. One result per request, in order.
    fn opt_out(&mut self, requests: Vec<Request>) -> Vec<Result<Progress, Error>>;
    /// Advances pending requests. One result per task, in order.
    fn poll(&mut self, tasks: Vec<Task>) -> Vec<Result<Progress, Error>>;
    /// Reads up to `limit` bytes of a remote document from `offset`.
    fn read(&mut self, reference: String, offset: u64, limit: u32) -> Result<Chunk, Error>;
}
