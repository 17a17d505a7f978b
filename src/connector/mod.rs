//! What the contract promises, decided without WebAssembly and without sockets.
//!
//! | module | the room for |
//! |---|---|
//! | [`contract`] | the contract's types |
//! | [`settings`], [`manifest`] | what a connection needs, and what the connector is |
//! | [`check`] | the connection test |
//! | [`subject`] | the names of a person, checked |
//! | [`access`], [`contacts`], [`documents`] | what Qualtrics holds on a person |
//! | [`deletion`], [`guard`] | deleting it, and whom that must not touch |
//! | [`poll`], [`follow`], [`pace`], [`ticket`] | going on with what is under way |
//! | [`errors`] | what a caller can do about what went wrong |

pub mod access;
pub mod call;
pub mod check;
pub mod contacts;
pub mod contract;
pub mod deletion;
pub mod documents;
pub mod errors;
pub mod follow;
pub mod guard;
pub mod manifest;
pub mod pace;
pub mod poll;
pub mod settings;
pub mod subject;
pub mod ticket;

use call::Call;
use contract::{
    Chunk, Connection, DeletionMode, Error, ErrorKind, Manifest, Progress, Remedy, Request, Right, Setting, Task,
};
use documents::Kept;
use guard::Accounts;
use settings::Settings;

use crate::http::{Clock, Transport};
use crate::prelude::*;
use crate::qualtrics::{Client, Session};

/// One connection to a Qualtrics brand.
///
/// Nothing that matters lives in it: a token, how much of the rate limits is used, the list of accounts, an open
/// document. What must last is in tickets and references.
pub struct Connector<T: Transport, C: Clock> {
    transport: T,
    clock: C,
    connection: Option<Configured<T::Body>>,
}

/// What there is once settings were taken.
struct Configured<B> {
    settings: Settings,
    session: Session,
    accounts: Accounts,
    kept: Option<Kept<B>>,
}

impl<T: Transport, C: Clock> Connector<T, C> {
    /// A connector that is not yet configured.
    pub const fn new(transport: T, clock: C) -> Self {
        Self { transport, clock, connection: None }
    }

    /// `describe`. It makes no call.
    #[must_use]
    pub fn describe() -> Manifest {
        manifest::manifest()
    }

    /// `configure`. It makes no call. Settings that are refused leave the connector as it was.
    ///
    /// # Errors
    /// `invalid-settings`.
    pub fn configure(&mut self, settings: &[Setting]) -> Result<(), Error> {
        let settings = Settings::read(settings)?;
        let Settings { origin, credentials, rate_share, answer_ms, .. } = &settings;
        let session = Session::new(origin.clone(), credentials.clone(), *rate_share, *answer_ms);
        self.connection = Some(Configured { settings, session, accounts: Accounts::default(), kept: None });
        Ok(())
    }

    /// `check`.
    ///
    /// # Errors
    /// As the contract says.
    pub fn check(&mut self, rights: &[Right]) -> Result<Connection, Error> {
        check::check(&mut self.call()?, rights)
    }

    /// `access`.
    ///
    /// # Errors
    /// As the contract says.
    pub fn access(&mut self, request: &Request) -> Result<Progress, Error> {
        access::begin(&mut self.call()?, request)
    }

    /// `delete`.
    ///
    /// # Errors
    /// As the contract says.
    pub fn delete(&mut self, request: &Request, mode: DeletionMode) -> Result<Progress, Error> {
        deletion::begin(&mut self.call()?, request, mode)
    }

    /// `poll`: one answer for each task, in their order.
    pub fn poll(&mut self, tasks: &[Task]) -> Vec<Result<Progress, Error>> {
        match self.call() {
            Ok(mut call) => poll::poll(&mut call, tasks),
            Err(error) => tasks.iter().map(|_| Err(error.clone())).collect(),
        }
    }

    /// `read`.
    ///
    /// # Errors
    /// As the contract says.
    pub fn read(&mut self, reference: &str, offset: u64, limit: u32) -> Result<Chunk, Error> {
        documents::read(&mut self.call()?, reference, offset, limit)
    }

    fn call(&mut self) -> Result<Call<'_, T, C>, Error> {
        let Some(Configured { settings, session, accounts, kept }) = &mut self.connection else {
            let message = "The connection is not configured: call configure first.";
            return Err(Error::new(ErrorKind::NotConfigured, Remedy::GiveUp, message));
        };
        Ok(Call { client: Client::new(&mut self.transport, &self.clock, session), settings, accounts, kept })
    }
}
