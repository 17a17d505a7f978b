//! A data subject, in all places where a brand holds personal data.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A data subject to add to a brand.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Person {
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// E-mail addresses. Each has a contact of its own.
    pub emails: Vec<String>,
    /// Telephone number.
    pub phone: Option<String>,
    /// The customer's own ID of the person.
    pub reference: Option<String>,
    /// Further data of the customer.
    pub embedded_data: BTreeMap<String, String>,
    /// Whether e-mails to the person bounce.
    pub bounces: bool,
    /// The number of survey responses for each address.
    pub responses: u32,
    /// The number of transactions of each contact.
    pub transactions: u32,
    /// If set, the export of this person is generated and has at least this many bytes. Must be below 4 GiB if files are ZIP
    /// archives.
    pub export_bytes: Option<u64>,
}

impl Person {
    /// A person with this name.
    #[must_use]
    pub fn new(first_name: &str, last_name: &str) -> Self {
        Self { first_name: first_name.to_owned(), last_name: last_name.to_owned(), ..Self::default() }
    }

    /// Adds an e-mail address.
    #[must_use]
    pub fn email(mut self, email: &str) -> Self {
        self.emails.push(email.to_owned());
        self
    }

    /// Sets the telephone number.
    #[must_use]
    pub fn phone(mut self, phone: &str) -> Self {
        self.phone = Some(phone.to_owned());
        self
    }

    /// Sets the customer's own ID.
    #[must_use]
    pub fn reference(mut self, reference: &str) -> Self {
        self.reference = Some(reference.to_owned());
        self
    }

    /// Adds a member of the embedded data.
    #[must_use]
    pub fn embedded(mut self, key: &str, value: &str) -> Self {
        self.embedded_data.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Lets all e-mails to the person bounce.
    #[must_use]
    pub fn bouncing(mut self) -> Self {
        self.bounces = true;
        self
    }

    /// Sets the number of survey responses for each address.
    #[must_use]
    pub fn responses(mut self, count: u32) -> Self {
        self.responses = count;
        self
    }

    /// Sets the number of transactions of each contact.
    #[must_use]
    pub fn transactions(mut self, count: u32) -> Self {
        self.transactions = count;
        self
    }

    /// Replaces the person's export by generated data of at least this many bytes.
    #[must_use]
    pub fn export_bytes(mut self, bytes: u64) -> Self {
        self.export_bytes = Some(bytes);
        self
    }
}
