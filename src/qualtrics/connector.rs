//! The contract's functions on one connection to a Qualtrics brand.

use super::api::client::{Client, Session};
use super::cache::{Accounts, CallCache, OpenDocument};
use super::context::{Context, MAX_INLINE_BYTES_PER_CALL};
use super::documents;
use super::in_flight::no_time_left;
use super::settings::Settings;
use super::{access, check, deletion, manifest, opt_out, poll};
use crate::contract::{
    Chunk, Connection, DeletionMode, Error, ErrorKind, Manifest, Progress, Remedy, Request, Right, Setting, Task,
};
use crate::http::{Clock, Transport};
use crate::privacy::batch;
use crate::privacy::connector::Connector;

/// One connection to a Qualtrics brand.
///
/// It caches tokens, the used share of the rate limits, the list of accounts and an open document. All of it can be lost without harm:
/// everything that must last is in tickets and references.
pub struct QualtricsConnector {
    transport: Box<dyn Transport>,
    clock: Box<dyn Clock>,
    connection: Option<Configured>,
}

struct Configured {
    settings: Settings,
    session: Session,
    accounts: Accounts,
    open_document: Option<OpenDocument>,
}

impl QualtricsConnector {
    /// A connector that is not configured yet.
    #[must_use]
    pub const fn new(transport: Box<dyn Transport>, clock: Box<dyn Clock>) -> Self {
        Self { transport, clock, connection: None }
    }

    fn context(&mut self) -> Result<Context<'_>, Error> {
        let Some(Configured { settings, session, accounts, open_document }) = &mut self.connection else {
            let message = "The connection is not configured: call configure first.";
            return Err(Error::new(ErrorKind::NotConfigured, Remedy::GiveUp, message));
        };
        let client = Client::new(&mut *self.transport, &*self.clock, session);
        let call_cache = CallCache::default();
        Ok(Context {
            client,
            settings,
            accounts,
            open_document,
            call_cache,
            inline_bytes_left: MAX_INLINE_BYTES_PER_CALL,
        })
    }

    /// Runs each request in turn, as long as the call has time.
    fn run_each(
        &mut self,
        requests: &[Request],
        mut run: impl FnMut(&mut Context<'_>, &Request) -> Result<Progress, Error>,
    ) -> Vec<Result<Progress, Error>> {
        let mut context = match self.context() {
            Ok(context) => context,
            Err(error) => return requests.iter().map(|_| Err(error.clone())).collect(),
        };
        let mut is_first = true;
        batch::each(requests, |request| {
            let has_time = is_first || !context.client.is_late();
            is_first = false;
            if has_time { run(&mut context, request) } else { Err(no_time_left()) }
        })
    }
}

impl Connector for QualtricsConnector {
    fn describe(&self) -> Manifest {
        manifest::manifest()
    }

    fn configure(&mut self, settings: Vec<Setting>) -> Result<(), Error> {
        let settings = Settings::parse(&settings)?;
        let Settings { origin, credentials, rate_share, response_timeout_ms, .. } = &settings;
        let session = Session::new(origin.clone(), credentials.clone(), *rate_share, *response_timeout_ms);
        self.connection = Some(Configured { settings, session, accounts: Accounts::default(), open_document: None });
        Ok(())
    }

    fn check(&mut self, rights: Vec<Right>) -> Result<Connection, Error> {
        check::check(&mut self.context()?, &rights)
    }

    fn access(&mut self, requests: Vec<Request>) -> Vec<Result<Progress, Error>> {
        self.run_each(&requests, access::start)
    }

    fn delete(&mut self, requests: Vec<Request>, mode: DeletionMode) -> Vec<Result<Progress, Error>> {
        match self.context() {
            Ok(mut context) => deletion::start::delete(&mut context, &requests, mode),
            Err(error) => requests.iter().map(|_| Err(error.clone())).collect(),
        }
    }

    fn opt_out(&mut self, requests: Vec<Request>) -> Vec<Result<Progress, Error>> {
        self.run_each(&requests, opt_out::start)
    }

    fn poll(&mut self, tasks: Vec<Task>) -> Vec<Result<Progress, Error>> {
        match self.context() {
            Ok(mut context) => poll::poll(&mut context, &tasks),
            Err(error) => tasks.iter().map(|_| Err(error.clone())).collect(),
        }
    }

    fn read(&mut self, reference: String, offset: u64, limit: u32) -> Result<Chunk, Error> {
        documents::read(&mut self.context()?, &reference, offset, limit)
    }
}
