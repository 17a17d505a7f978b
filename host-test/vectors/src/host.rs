//! The interface between scenarios and hosts.

use privacy_contract::{Chunk, Connection, DeletionMode, Error, Manifest, Progress, Request, Right, Setting, Task};

/// One result for each request or task, in the same order.
pub type Results = Vec<Result<Progress, Error>>;

/// A host, which creates instances of a connector.
pub trait Host: Sync {
    /// An instance of the connector.
    type Instance: Instance;

    /// A new instance that may send requests to this origin.
    fn instantiate(&self, origin: &str) -> impl Future<Output = Result<Self::Instance, String>>;
}

/// An instance of a connector. The outer error of each function is the reason why the call returned no result, such as a trap.
#[allow(async_fn_in_trait, reason = "each scenario runs on one thread")]
#[allow(clippy::missing_errors_doc, reason = "see the trait")]
pub trait Instance {
    /// `describe`.
    async fn describe(&mut self) -> Result<Manifest, String>;
    /// `configure`.
    async fn configure(&mut self, settings: &[Setting]) -> Result<Result<(), Error>, String>;
    /// `check`.
    async fn check(&mut self, rights: &[Right]) -> Result<Result<Connection, Error>, String>;
    /// `access`.
    async fn access(&mut self, requests: &[Request]) -> Result<Results, String>;
    /// `delete`.
    async fn delete(&mut self, requests: &[Request], mode: DeletionMode) -> Result<Results, String>;
    /// `opt-out`.
    async fn opt_out(&mut self, requests: &[Request]) -> Result<Results, String>;
    /// `poll`.
    async fn poll(&mut self, tasks: &[Task]) -> Result<Results, String>;
    /// `read`.
    async fn read(&mut self, reference: &str, offset: u64, limit: u32) -> Result<Result<Chunk, Error>, String>;
}
