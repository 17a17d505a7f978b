//! The interface `connector`, as the host calls it.

use core::cell::RefCell;
use core::iter;

use super::bindings::OnlyThread;
use super::bindings::exports::privacy::connector::connector as wit;
use super::clock::WasiClock;
use super::conversions::Convert;
use super::transport::WasiTransport;
use crate::connector::Connector;
use crate::connector::contract::{Error, ErrorKind, Remedy};
use crate::prelude::*;

type Instance = Connector<WasiTransport, WasiClock>;

static CONNECTOR: OnlyThread<RefCell<Instance>> = OnlyThread(RefCell::new(Connector::new(WasiTransport, WasiClock)));

/// What is exported: the one connector of this instance.
pub(super) struct Component;

impl wit::Guest for Component {
    fn describe() -> wit::Manifest {
        Instance::describe().convert()
    }

    fn configure(settings: Vec<wit::Setting>) -> Result<(), wit::Error> {
        with_connector(|connector| connector.configure(&settings.convert())).convert()
    }

    fn check(rights: Vec<wit::Right>) -> Result<wit::Connection, wit::Error> {
        let rights: Vec<_> = rights.convert();
        with_connector(|connector| connector.check(&rights)).convert()
    }

    fn access(request: wit::Request) -> Result<wit::Progress, wit::Error> {
        with_connector(|connector| connector.access(&request.convert())).convert()
    }

    fn delete(request: wit::Request, mode: wit::DeletionMode) -> Result<wit::Progress, wit::Error> {
        with_connector(|connector| connector.delete(&request.convert(), mode.convert())).convert()
    }

    fn poll(tasks: Vec<wit::Task>) -> Vec<Result<wit::Progress, wit::Error>> {
        let count = tasks.len();
        with_connector(|connector| Ok(connector.poll(&tasks.convert())))
            .unwrap_or_else(|busy| iter::repeat_n(busy, count).map(Err).collect())
            .convert()
    }

    fn read(reference: String, offset: u64, limit: u32) -> Result<wit::Chunk, wit::Error> {
        with_connector(|connector| connector.read(&reference, offset, limit)).convert()
    }
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
