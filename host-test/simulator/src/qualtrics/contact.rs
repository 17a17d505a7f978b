//! Directories of contacts, with their mailing lists and transactions: the fact sheet, section 8.
//!
//! A contact holds its own memberships and transactions, so that they end with it.

use std::collections::BTreeMap;

use super::brand::SameAddress;

/// A directory of contacts.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    /// The ID, `POOL_…`.
    pub id: String,
    /// The name, which is optional.
    pub name: Option<String>,
    /// Whether the directory is XMD Lite, which does not support searches.
    pub lite: bool,
    /// The contacts.
    pub contacts: Vec<Contact>,
    /// The mailing lists.
    pub mailing_lists: Vec<MailingList>,
}

/// A contact in a directory.
#[derive(Clone, Debug, Default)]
pub struct Contact {
    /// The ID, `CID_…`.
    pub id: String,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Telephone number.
    pub phone: Option<String>,
    /// The customer's own ID of the person.
    pub reference: Option<String>,
    /// The preferred language.
    pub language: Option<String>,
    /// Further data of the customer.
    pub embedded_data: BTreeMap<String, String>,
    /// When the contact was created: seconds since 1970.
    pub created: u64,
    /// When the contact last changed: seconds since 1970.
    pub modified: u64,
    /// When the contact opted out of the directory: seconds since 1970. `None` for a contact that did not.
    pub opted_out: Option<u64>,
    /// Whether e-mails to the contact bounce.
    pub bounces: bool,
    /// The mailing lists of which the contact is a member.
    pub memberships: Vec<Membership>,
    /// The transactions, oldest first.
    pub transactions: Vec<Transaction>,
}

/// A mailing list. Its members are the contacts with a [`Membership`].
#[derive(Clone, Debug, Default)]
pub struct MailingList {
    /// The ID, `CG_…`.
    pub id: String,
    /// The name.
    pub name: String,
    /// The ID of the user who owns the list.
    pub owner: String,
    /// When the list was created: seconds since 1970.
    pub created: u64,
    /// When the list last changed: seconds since 1970.
    pub modified: u64,
}

/// A contact's membership of a mailing list.
#[derive(Clone, Debug, Default)]
pub struct Membership {
    /// The ID of the mailing list.
    pub list: String,
    /// The ID of the contact in this list, `CGC_…`.
    pub lookup_id: String,
    /// When the contact opted out of this list: seconds since 1970. `None` for a contact that did not.
    pub opted_out: Option<u64>,
}

/// A transaction of a contact, such as a purchase.
#[derive(Clone, Debug, Default)]
pub struct Transaction {
    /// The ID, `CTR_…`.
    pub id: String,
    /// The ID of the mailing list to which the transaction belongs.
    pub list: String,
    /// When it took place: seconds since 1970.
    pub date: u64,
    /// The data of the customer.
    pub data: BTreeMap<String, String>,
}

impl Contact {
    pub(super) fn has_email(&self, address: &str, same: SameAddress) -> bool {
        self.email.as_deref().is_some_and(|email| same(email, address))
    }

    /// The membership of the mailing list with this ID.
    pub(super) fn membership(&self, list: &str) -> Option<&Membership> {
        self.memberships.iter().find(|membership| membership.list == list)
    }
}
