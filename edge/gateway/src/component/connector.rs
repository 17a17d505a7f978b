//! The connector that this component is composed with.

use super::bindings::privacy::connector::connector as wit;
use super::conversions::Convert;
use crate::contract::{
    Chunk, Connection, Connector, DeletionMode, Error, Manifest, Progress, Request, Right, Setting, Task,
};

/// `privacy:connector/connector`.
pub(super) struct Composed;

impl Connector for Composed {
    fn describe(&mut self) -> Manifest {
        wit::describe().convert()
    }

    fn configure(&mut self, settings: Vec<Setting>) -> Result<(), Error> {
        let settings: Vec<wit::Setting> = settings.convert();
        wit::configure(&settings).convert()
    }

    fn check(&mut self, rights: Vec<Right>) -> Result<Connection, Error> {
        let rights: Vec<wit::Right> = rights.convert();
        wit::check(&rights).convert()
    }

    fn access(&mut self, request: Request) -> Result<Progress, Error> {
        wit::access(&request.convert()).convert()
    }

    fn delete(&mut self, request: Request, mode: DeletionMode) -> Result<Progress, Error> {
        wit::delete(&request.convert(), mode.convert()).convert()
    }

    fn poll(&mut self, tasks: Vec<Task>) -> Vec<Result<Progress, Error>> {
        let tasks: Vec<wit::Task> = tasks.convert();
        wit::poll(&tasks).convert()
    }

    fn read(&mut self, reference: &str, offset: u64, limit: u32) -> Result<Chunk, Error> {
        wit::read(reference, offset, limit).convert()
    }
}
