//! A brand: one customer of Qualtrics, and the personal data that it holds.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::contact::{Contact, Directory, MailingList, Membership, Transaction};
use super::person::Person;

/// The data of one brand. Tests build their own, or use [`Brand::sample`].
#[derive(Clone, Debug, Default)]
pub struct Brand {
    /// The brand ID.
    pub id: String,
    /// The data centre that hosts the brand.
    pub datacenter: String,
    /// The OAuth clients.
    pub clients: Vec<Client>,
    /// The user accounts.
    pub users: Vec<User>,
    /// The directories of contacts.
    pub directories: Vec<Directory>,
    /// The survey responses.
    pub responses: Vec<SurveyResponse>,
    /// The least size of a generated export, in bytes, by address in lower case.
    pub export_sizes: BTreeMap<String, u64>,
    /// The number of completed erasures before the start of the simulator. They are ten minutes apart.
    pub past_erasures: u32,
    /// The number of contacts, responses, memberships and transactions that were ever created. It makes their IDs unique.
    created: u64,
    /// The number of mailing lists that were ever created.
    lists_created: u64,
}

/// An OAuth client with the client credentials grant.
#[derive(Clone)]
pub struct Client {
    /// The client ID.
    pub id: String,
    /// The client secret.
    pub secret: String,
    /// The granted scopes.
    pub scopes: Vec<String>,
    /// The ID of the user for whom the client makes calls.
    pub user: String,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("id", &self.id)
            .field("scopes", &self.scopes)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// A user account.
#[derive(Clone)]
pub struct User {
    /// The ID, `UR_…`.
    pub id: String,
    /// The e-mail address, which is also the user name.
    pub email: String,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// Whether the user is a brand administrator.
    pub administrator: bool,
    /// The API token, with which calls are made for the user without an OAuth client.
    pub api_token: Option<String>,
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("id", &self.id)
            .field("email", &self.email)
            .field("first_name", &self.first_name)
            .field("last_name", &self.last_name)
            .field("administrator", &self.administrator)
            .finish_non_exhaustive()
    }
}

/// A response to a survey.
#[derive(Clone, Debug)]
pub struct SurveyResponse {
    /// The ID, `R_…`.
    pub id: String,
    /// The survey ID, `SV_…`.
    pub survey: String,
    /// The address to which the survey was sent. `None` for an anonymous link; no erasure finds such a response.
    pub email: Option<String>,
    /// When the response was recorded: seconds since 1970.
    pub recorded: u64,
    /// The answers by question.
    pub answers: BTreeMap<String, String>,
}

/// What a brand holds for one address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Holdings {
    /// The number of contacts in all directories.
    pub contacts: usize,
    /// How many of them are opted out of their directory.
    #[serde(rename = "opted-out")]
    pub opted_out: usize,
    /// The number of survey responses.
    pub responses: usize,
    /// The number of user accounts.
    pub users: usize,
}

impl Holdings {
    /// Whether the brand holds nothing.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}

/// Whether two addresses are the same.
pub(super) type SameAddress = fn(&str, &str) -> bool;

/// Whether two addresses differ at most in upper and lower case.
pub(super) fn ignoring_case(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

/// Contacts and responses are created after this time.
const FIRST_CREATED: u64 = 1_704_103_200;

impl Brand {
    /// An empty brand.
    #[must_use]
    pub fn new(id: &str, datacenter: &str) -> Self {
        Self { id: id.to_owned(), datacenter: datacenter.to_owned(), ..Self::default() }
    }

    /// Adds an OAuth client that makes calls for the user with this ID.
    #[must_use]
    pub fn client(mut self, id: &str, secret: &str, scopes: &[&str], user: &str) -> Self {
        self.clients.push(Client {
            id: id.to_owned(),
            secret: secret.to_owned(),
            scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
            user: user.to_owned(),
        });
        self
    }

    /// Adds a user account.
    #[must_use]
    pub fn user(mut self, id: &str, email: &str, first_name: &str, last_name: &str, administrator: bool) -> Self {
        self.users.push(User {
            id: id.to_owned(),
            email: email.to_owned(),
            first_name: first_name.to_owned(),
            last_name: last_name.to_owned(),
            administrator,
            api_token: None,
        });
        self
    }

    /// Gives the user with this ID an API token. Has no effect if there is no such user.
    #[must_use]
    pub fn api_token(mut self, user: &str, token: &str) -> Self {
        for user in self.users.iter_mut().filter(|known| known.id == user) {
            user.api_token = Some(token.to_owned());
        }
        self
    }

    /// Adds this many user accounts without the administrator role: `staff-00001@example.org` and so on.
    #[must_use]
    pub fn staff(mut self, count: u32) -> Self {
        for n in 1..=count {
            self =
                self.user(&format!("UR_staff{n:05}"), &format!("staff-{n:05}@example.org"), "Staff", "Member", false);
        }
        self
    }

    /// Adds an empty directory.
    #[must_use]
    pub fn directory(mut self, id: &str, name: &str) -> Self {
        self.directories.push(Directory { id: id.to_owned(), name: Some(name.to_owned()), ..Directory::default() });
        self
    }

    /// Adds an empty XMD Lite directory.
    #[must_use]
    pub fn lite_directory(mut self, id: &str, name: &str) -> Self {
        self = self.directory(id, name);
        if let Some(directory) = self.directories.last_mut() {
            directory.lite = true;
        }
        self
    }

    /// Adds this many empty directories without names: `POOL_crowd00001` and so on.
    #[must_use]
    pub fn many_directories(mut self, count: u32) -> Self {
        let ids = (1..=count).map(|n| format!("POOL_crowd{n:05}"));
        self.directories.extend(ids.map(|id| Directory { id, ..Directory::default() }));
        self
    }

    /// Adds a person: a contact for each address in each of these directories, and the survey responses.
    ///
    /// # Panics
    /// The brand has no directory with one of these IDs.
    #[must_use]
    pub fn person(mut self, person: &Person, directories: &[&str]) -> Self {
        let addresses: Vec<_> = match person.emails.as_slice() {
            [] => vec![None],
            emails => emails.iter().cloned().map(Some).collect(),
        };
        for id in directories {
            for email in &addresses {
                self.add_contact(
                    id,
                    Contact {
                        first_name: Some(person.first_name.clone()),
                        last_name: Some(person.last_name.clone()),
                        email: email.clone(),
                        phone: person.phone.clone(),
                        reference: person.reference.clone(),
                        embedded_data: person.embedded_data.clone(),
                        bounces: person.bounces,
                        ..Contact::default()
                    },
                );
                self.add_transactions(id, person.transactions);
            }
        }
        for email in &person.emails {
            for _ in 0..person.responses {
                self.add_response(Some(email), &[("Q1", "9"), ("Q2", "The staff were kind.")]);
            }
            if let Some(bytes) = person.export_bytes {
                self.export_sizes.insert(email.to_lowercase(), bytes);
            }
        }
        self
    }

    /// Adds this many contacts to a directory, `crowd-00001@example.org` and so on. All have the same telephone number.
    ///
    /// # Panics
    /// The brand has no directory with this ID.
    #[must_use]
    pub fn crowd(mut self, directory: &str, count: u32, phone: &str) -> Self {
        for n in 1..=count {
            self.add_contact(
                directory,
                Contact {
                    first_name: Some("One".to_owned()),
                    last_name: Some("Of Many".to_owned()),
                    email: Some(format!("crowd-{n:05}@example.org")),
                    phone: Some(phone.to_owned()),
                    ..Contact::default()
                },
            );
        }
        self
    }

    /// Adds a response from an anonymous link, with an address in the text of an answer. No export and no erasure finds it.
    #[must_use]
    pub fn anonymous_response(mut self, typed_email: &str) -> Self {
        self.add_response(None, &[("Q1", "2"), ("Q7", typed_email)]);
        self
    }

    /// Sets the number of completed erasures before the start of the simulator. They are ten minutes apart.
    #[must_use]
    pub fn past_erasures(mut self, count: u32) -> Self {
        self.past_erasures = count;
        self
    }

    /// What the brand holds for this address, in upper or lower case.
    #[must_use]
    pub fn holdings(&self, address: &str) -> Holdings {
        self.holdings_by(address, ignoring_case)
    }

    pub(super) fn holdings_by(&self, address: &str, same: SameAddress) -> Holdings {
        let contacts = self.directories.iter().flat_map(|directory| &directory.contacts);
        let contacts: Vec<&Contact> = contacts.filter(|contact| contact.has_email(address, same)).collect();
        Holdings {
            contacts: contacts.len(),
            opted_out: contacts.iter().filter(|contact| contact.opted_out.is_some()).count(),
            responses: self.responses.iter().filter(|response| response.has_email(address, same)).count(),
            users: self.users.iter().filter(|user| same(&user.email, address)).count(),
        }
    }

    /// Removes what the brand holds for this address.
    pub(super) fn erase(&mut self, address: &str, same: SameAddress) {
        for directory in &mut self.directories {
            directory.contacts.retain(|contact| !contact.has_email(address, same));
        }
        self.responses.retain(|response| !response.has_email(address, same));
        self.users.retain(|user| !same(&user.email, address));
        self.export_sizes.retain(|email, _| !same(email, address));
    }

    /// A number that no contact, response, membership or transaction has yet.
    pub(super) fn next_number(&mut self) -> u64 {
        self.created += 1;
        self.created
    }

    /// Adds a mailing list to the directory at this position.
    pub(super) fn add_mailing_list(&mut self, directory: usize, name: &str, owner: &str, now: u64) -> MailingList {
        self.lists_created += 1;
        let id = format!("CG_{:015}", self.lists_created);
        let list = MailingList { id, name: name.to_owned(), owner: owner.to_owned(), created: now, modified: now };
        self.directories[directory].mailing_lists.push(list.clone());
        list
    }

    /// Adds a contact with a new ID and date. It is a member of the first mailing list of its directory.
    fn add_contact(&mut self, directory: &str, contact: Contact) {
        let number = self.next_number();
        let directory = self.directories.iter().position(|known| known.id == directory);
        let directory = directory.expect("the brand has a directory with this ID");
        if self.directories[directory].mailing_lists.is_empty() {
            let owner = self.users.first().map(|user| user.id.clone()).unwrap_or_default();
            self.add_mailing_list(directory, "Newsletter", &owner, FIRST_CREATED);
        }
        let directory = &mut self.directories[directory];
        let lookup_id = format!("CGC_{number:015}");
        let membership = Membership { list: directory.mailing_lists[0].id.clone(), lookup_id, opted_out: None };
        let created = FIRST_CREATED + number * 3607;
        directory.contacts.push(Contact {
            id: format!("CID_{number:015}"),
            created,
            modified: created + 60,
            language: Some("en".to_owned()),
            memberships: vec![membership],
            ..contact
        });
    }

    /// Adds transactions to the newest contact of a directory.
    fn add_transactions(&mut self, directory: &str, count: u32) {
        for _ in 0..count {
            let number = self.next_number();
            let Some(directory) = self.directories.iter_mut().find(|known| known.id == directory) else { return };
            let list = directory.mailing_lists.first().map(|list| list.id.clone()).unwrap_or_default();
            let Some(contact) = directory.contacts.last_mut() else { return };
            contact.transactions.push(Transaction {
                id: format!("CTR_{number:015}"),
                list,
                date: contact.created + number,
                data: [("Product".to_owned(), "Analytical Engine".to_owned())].into(),
            });
        }
    }

    fn add_response(&mut self, email: Option<&str>, answers: &[(&str, &str)]) {
        let number = self.next_number();
        self.responses.push(SurveyResponse {
            id: format!("R_{number:015}"),
            survey: "SV_000000000000001".to_owned(),
            email: email.map(str::to_owned),
            recorded: FIRST_CREATED + number * 7213,
            answers: answers.iter().map(|&(question, answer)| (question.to_owned(), answer.to_owned())).collect(),
        });
    }
}

impl SurveyResponse {
    pub(super) fn has_email(&self, address: &str, same: SameAddress) -> bool {
        self.email.as_deref().is_some_and(|email| same(email, address))
    }
}
