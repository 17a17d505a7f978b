//! The options that say whose data is meant.

use clap::Args;
use host_test::host::contract::{Identifier, Request};

/// Whose data is meant, in which request.
#[derive(Args)]
#[command(next_help_heading = "Request")]
pub(super) struct SubjectOptions {
    #[command(flatten)]
    names: Names,
    /// Your id of the request, the same on every retry; without it, one is drawn
    #[arg(long)]
    key: Option<String>,
    /// When the attempt began whose outcome is unknown, in seconds since 1970
    #[arg(long, value_name = "SECONDS")]
    first_attempt_at: Option<u64>,
    /// Lifts a guard for this request: the code of its finding; repeatable
    #[arg(long = "confirm", value_name = "CODE")]
    confirmed: Vec<String>,
}

/// The names of one person; at least one.
#[derive(Args)]
#[group(required = true, multiple = true)]
struct Names {
    /// An e-mail address of the person; repeatable
    #[arg(long = "email", value_name = "ADDRESS")]
    emails: Vec<String>,
    /// A telephone number of the person, as +4989…; repeatable
    #[arg(long = "phone", value_name = "NUMBER")]
    phones: Vec<String>,
    /// An id that your own systems gave the person; repeatable
    #[arg(long = "external-reference", value_name = "ID")]
    references: Vec<String>,
}

impl SubjectOptions {
    /// The request, with a key in any case.
    pub(super) fn request(self) -> Request {
        let emails = self.names.emails.into_iter().map(Identifier::Email);
        let phones = self.names.phones.into_iter().map(Identifier::Phone);
        let references = self.names.references.into_iter().map(Identifier::ExternalReference);
        Request {
            key: self.key.unwrap_or_else(|| format!("cli-{:016x}", rand::random::<u64>())),
            subject: emails.chain(phones).chain(references).collect(),
            first_attempt_at: self.first_attempt_at,
            confirmed: self.confirmed,
            extra: Vec::new(),
        }
    }

    /// Whether the key was given: a ticket is of no use without it.
    pub(super) fn has_key(&self) -> bool {
        self.key.is_some()
    }
}
