//! The interface `connector`: each call of the host, handed to the one connector of this instance.

use core::cell::RefCell;
use core::iter;

use super::boundary::OnlyThread;
use super::clock::WasiClock;
use super::transport::WasiTransport;
use crate::connector::Connector;
use crate::connector::contract::{
    Chunk, Connection, DeletionMode, Error, ErrorKind, Manifest, Progress, Remedy, Request, Right, Setting, Task,
};
use crate::prelude::*;

type Instance = Connector<WasiTransport, WasiClock>;

static CONNECTOR: OnlyThread<RefCell<Instance>> = OnlyThread(RefCell::new(Connector::new(WasiTransport, WasiClock)));

pub(super) fn describe() -> Manifest {
    Instance::describe()
}

pub(super) fn configure(settings: &[Setting]) -> Result<(), Error> {
    with_connector(|connector| connector.configure(settings))
}

pub(super) fn check(rights: &[Right]) -> Result<Connection, Error> {
    with_connector(|connector| connector.check(rights))
}

pub(super) fn access(request: &Request) -> Result<Progress, Error> {
    with_connector(|connector| connector.access(request))
}

pub(super) fn delete(request: &Request, mode: DeletionMode) -> Result<Progress, Error> {
    with_connector(|connector| connector.delete(request, mode))
}

pub(super) fn poll(tasks: &[Task]) -> Vec<Result<Progress, Error>> {
    with_connector(|connector| Ok(connector.poll(tasks)))
        .unwrap_or_else(|busy| iter::repeat_n(busy, tasks.len()).map(Err).collect())
}

pub(super) fn read(reference: &str, offset: u64, limit: u32) -> Result<Chunk, Error> {
    with_connector(|connector| connector.read(reference, offset, limit))
}

/// Lets a call have the connector to itself. The component model forbids a host to call into a call; where one does so
/// all the same, that is its error and no reason to trap.
fn with_connector<T>(call: impl FnOnce(&mut Instance) -> Result<T, Error>) -> Result<T, Error> {
    match CONNECTOR.0.try_borrow_mut() {
        Ok(mut connector) => call(&mut connector),
        Err(_) => {
            Err(Error::new(ErrorKind::Unavailable, Remedy::Retry(1000), "This instance is busy with another call."))
        }
    }
}
