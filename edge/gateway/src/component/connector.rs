//! The connector that this component is composed with.

use privacy_contract::{Chunk, Connection, DeletionMode, Error, Manifest, Request, Right, Setting, Task};

use super::bindings::privacy::connector::connector as composed;
use crate::connector::{Connector, Results};

/// `privacy:connector/connector`.
pub(super) struct Composed;

impl Connector for Composed {
    fn describe(&mut self) -> Manifest {
        composed::describe()
    }

    fn configure(&mut self, settings: &[Setting]) -> Result<(), Error> {
        composed::configure(settings)
    }

    fn check(&mut self, rights: &[Right]) -> Result<Connection, Error> {
        composed::check(rights)
    }

    fn access(&mut self, requests: &[Request]) -> Results {
        composed::access(requests)
    }

    fn delete(&mut self, requests: &[Request], mode: DeletionMode) -> Results {
        composed::delete(requests, mode)
    }

    fn opt_out(&mut self, requests: &[Request]) -> Results {
        composed::opt_out(requests)
    }

    fn poll(&mut self, tasks: &[Task]) -> Results {
        composed::poll(tasks)
    }

    fn read(&mut self, reference: &str, offset: u64, limit: u32) -> Result<Chunk, Error> {
        composed::read(reference, offset, limit)
    }
}
