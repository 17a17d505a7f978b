//! The component's exports: one line for each function of the contract.

use std::cell::RefCell;

use crate::contract::{Chunk, Connection, DeletionMode, Error, Manifest, Progress, Request, Right, Setting, Task};
use crate::privacy::connector::Connector;
use crate::qualtrics::connector::QualtricsConnector;
use crate::wasi::{WasiClock, WasiTransport};
use crate::wit::exports::privacy::connector::connector::Guest;

thread_local! {
    /// The one connector of this instance. The component model forbids re-entrance, so the `RefCell` is never borrowed twice.
    static CONNECTOR: RefCell<QualtricsConnector> =
        RefCell::new(QualtricsConnector::new(Box::new(WasiTransport), Box::new(WasiClock)));
}

fn connector<T>(call: impl FnOnce(&mut dyn Connector) -> T) -> T {
    CONNECTOR.with_borrow_mut(|connector| call(connector))
}

/// The component.
pub(crate) struct Component;

impl Guest for Component {
    fn describe() -> Manifest {
        connector(|connector| connector.describe())
    }

    fn configure(settings: Vec<Setting>) -> Result<(), Error> {
        connector(|connector| connector.configure(settings))
    }

    fn check(rights: Vec<Right>) -> Result<Connection, Error> {
        connector(|connector| connector.check(rights))
    }

    fn access(requests: Vec<Request>) -> Vec<Result<Progress, Error>> {
        connector(|connector| connector.access(requests))
    }

    fn delete(requests: Vec<Request>, mode: DeletionMode) -> Vec<Result<Progress, Error>> {
        connector(|connector| connector.delete(requests, mode))
    }

    fn opt_out(requests: Vec<Request>) -> Vec<Result<Progress, Error>> {
        connector(|connector| connector.opt_out(requests))
    }

    fn poll(tasks: Vec<Task>) -> Vec<Result<Progress, Error>> {
        connector(|connector| connector.poll(tasks))
    }

    fn read(reference: String, offset: u64, limit: u32) -> Result<Chunk, Error> {
        connector(|connector| connector.read(reference, offset, limit))
    }
}
