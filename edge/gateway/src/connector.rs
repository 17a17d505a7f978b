//! The connector that the gateway is composed with: `privacy:connector/connector`. The WIT documents each function.

use privacy_contract::{Chunk, Connection, DeletionMode, Error, Manifest, Progress, Request, Right, Setting, Task};

/// One result for each request or task, in the same order.
pub type Results = Vec<Result<Progress, Error>>;

/// A connector.
pub trait Connector {
    /// `describe`.
    fn describe(&mut self) -> Manifest;

    /// `configure`.
    ///
    /// # Errors
    /// As in the contract.
    fn configure(&mut self, settings: &[Setting]) -> Result<(), Error>;

    /// `check`.
    ///
    /// # Errors
    /// As in the contract.
    fn check(&mut self, rights: &[Right]) -> Result<Connection, Error>;

    /// `access`.
    fn access(&mut self, requests: &[Request]) -> Results;

    /// `delete`.
    fn delete(&mut self, requests: &[Request], mode: DeletionMode) -> Results;

    /// `opt-out`.
    fn opt_out(&mut self, requests: &[Request]) -> Results;

    /// `poll`.
    fn poll(&mut self, tasks: &[Task]) -> Results;

    /// `read`.
    ///
    /// # Errors
    /// As in the contract.
    fn read(&mut self, reference: &str, offset: u64, limit: u32) -> Result<Chunk, Error>;
}
