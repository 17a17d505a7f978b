//! The options that describe a request.

use clap::Args;
use privacy_host::contract::{Attempts, Identifier, Request};

use super::follow::EarlierAttempts;

/// The request and its data subject.
#[derive(Args)]
#[command(next_help_heading = "Request")]
pub(super) struct RequestOptions {
    #[command(flatten)]
    identifiers: Identifiers,
    /// Your ID of the request, the same on every retry; random if not given
    #[arg(long)]
    id: Option<String>,
    /// Overrides a guard for this request: the code of its finding; repeatable
    #[arg(long = "override", value_name = "CODE")]
    overrides: Vec<String>,
}

/// The identifiers of one person; at least one.
#[derive(Args)]
#[group(required = true, multiple = true)]
struct Identifiers {
    /// An e-mail address of the person; repeatable
    #[arg(long = "email", value_name = "ADDRESS")]
    emails: Vec<String>,
    /// A telephone number of the person, as +4989…; repeatable
    #[arg(long = "phone", value_name = "NUMBER")]
    phones: Vec<String>,
    /// Your own ID of the person; repeatable
    #[arg(long = "external-id", value_name = "ID")]
    external_ids: Vec<String>,
}

/// Earlier attempts of a deletion whose outcome is unknown.
#[derive(Args)]
#[command(next_help_heading = "Request")]
pub(super) struct AttemptOptions {
    /// When the earliest attempt with an unknown outcome was started, in seconds since the Unix epoch
    #[arg(long, value_name = "SECONDS")]
    first_attempt_at: Option<u64>,
    /// When the latest attempt with an unknown outcome was started; not needed if there was one
    #[arg(long, value_name = "SECONDS", requires = "first_attempt_at")]
    last_attempt_at: Option<u64>,
    /// Starts the deletion, whose stored state ended with `outcome-unknown`, without a search for its earlier attempts: only after an
    /// operator has seen in the vendor's own system that there is no such job
    #[arg(long, requires = "id", conflicts_with = "first_attempt_at")]
    start_anyway: bool,
}

impl RequestOptions {
    /// The request. Without an ID it gets a random one.
    pub(super) fn request(self) -> Request {
        let emails = self.identifiers.emails.into_iter().map(Identifier::Email);
        let phones = self.identifiers.phones.into_iter().map(Identifier::Phone);
        let external_ids = self.identifiers.external_ids.into_iter().map(Identifier::ExternalId);
        let id = self.id.unwrap_or_else(|| format!("cli-{:016x}", rand::random::<u64>()));
        Request { overrides: self.overrides, ..Request::new(id, emails.chain(phones).chain(external_ids)) }
    }
}

impl AttemptOptions {
    /// The attempts, as the contract has them.
    pub(super) fn attempts(&self) -> Option<Attempts> {
        let first_at = self.first_attempt_at?;
        Some(Attempts { first_at, last_at: self.last_attempt_at.unwrap_or(first_at) })
    }

    /// What to do about attempts that the journal holds.
    pub(super) fn earlier_attempts(&self) -> EarlierAttempts {
        if self.start_anyway { EarlierAttempts::Forget } else { EarlierAttempts::Find }
    }
}
