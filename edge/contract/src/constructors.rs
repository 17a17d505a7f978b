//! Constructors for the types that hosts create.

use crate::{Attempts, Identifier, Request, Setting, Task};

impl Identifier {
    /// An e-mail address.
    pub fn email(address: impl Into<String>) -> Self {
        Self::Email(address.into())
    }

    /// A telephone number in E.164 format.
    pub fn phone(number: impl Into<String>) -> Self {
        Self::Phone(number.into())
    }

    /// The customer's own ID of the person.
    pub fn external_id(id: impl Into<String>) -> Self {
        Self::ExternalId(id.into())
    }

    /// Any other kind.
    pub fn other(kind: impl Into<String>, value: impl Into<String>) -> Self {
        Self::Other((kind.into(), value.into()))
    }
}

impl Request {
    /// A request that was never attempted, without overrides.
    pub fn new(id: impl Into<String>, subject: impl IntoIterator<Item = Identifier>) -> Self {
        Self { id: id.into(), subject: subject.into_iter().collect(), attempts: None, overrides: Vec::new() }
    }
}

impl Attempts {
    /// One attempt, in seconds since the Unix epoch.
    #[must_use]
    pub const fn at(second: u64) -> Self {
        Self { first_at: second, last_at: second }
    }
}

impl Setting {
    /// A key and its value.
    pub fn new(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self { key: key.into(), value: value.into() }
    }
}

impl Task {
    /// A request in progress, and its latest ticket.
    pub fn new(request: Request, ticket: impl Into<String>) -> Self {
        Self { request, ticket: ticket.into() }
    }
}
