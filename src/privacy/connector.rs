//! What every connector provides: the contract's functions, on an instance that holds one connection.

use crate::contract::{Chunk, Connection, DeletionMode, Error, Manifest, Progress, Request, Right, Setting, Task};

/// One connection to a vendor system. The functions are those of `wit/connector.wit`, where each is documented.
pub trait Connector {
    /// `describe`.
    fn describe(&self) -> Manifest;
    /// `configure`.
    fn configure(&mut self, settings: Vec<Setting>) -> Result<(), Error>;
    /// `check`.
    fn check(&mut self, rights: Vec<Right>) -> Result<Connection, Error>;
    /// `access`.
    fn access(&mut self, requests: Vec<Request>) -> Vec<Result<Progress, Error>>;
    /// `delete`.
    fn delete(&mut self, requests: Vec<Request>, mode: DeletionMode) -> Vec<Result<Progress, Error>>;
    /// `opt-out`.
    fn opt_out(&mut self, requests: Vec<Request>) -> Vec<Result<Progress, Error>>;
    /// `poll`.
    fn poll(&mut self, tasks: Vec<Task>) -> Vec<Result<Progress, Error>>;
    /// `read`.
    fn read(&mut self, reference: String, offset: u64, limit: u32) -> Result<Chunk, Error>;
}
