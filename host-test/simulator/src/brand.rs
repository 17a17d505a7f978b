//! A brand: one customer of Qualtrics, with its people and the data on them.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::dialects::{AddressCase, Dialects};

/// The data of one brand. A test may build any; [`Brand::sample`] is one that looks like life.
#[derive(Clone, Debug, Default)]
pub struct Brand {
    /// The name of the brand.
    pub id: String,
    /// The data centre that it lives in.
    pub datacenter: String,
    /// The OAuth clients that may sign in.
    pub clients: Vec<Client>,
    /// The accounts of its staff.
    pub users: Vec<User>,
    /// Its directories of contacts.
    pub directories: Vec<Directory>,
    /// What was answered to its surveys.
    pub responses: Vec<SurveyResponse>,
    /// Addresses in lower case whose export is invented and at least this many bytes long.
    pub export_sizes: BTreeMap<String, u64>,
    /// How many complete erasures of former people the list begins with, ten minutes apart.
    pub past_erasures: u32,
    /// How many contacts and responses were ever made: their ids are not used twice.
    made: u64,
}

/// An OAuth client of grant type *client credentials*.
#[derive(Clone)]
pub struct Client {
    /// Its id.
    pub id: String,
    /// Its secret.
    pub secret: String,
    /// The scopes that it was granted.
    pub scopes: Vec<String>,
    /// The id of the user as whom it acts.
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

/// An account of the brand's staff.
#[derive(Clone, Debug)]
pub struct User {
    /// Its id, `UR_…`.
    pub id: String,
    /// Its address, which is its user name, too.
    pub email: String,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// Whether it is a brand administrator.
    pub administrator: bool,
}

/// A directory of contacts.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    /// Its id, `POOL_…`.
    pub id: String,
    /// Its name; Qualtrics allows none.
    pub name: Option<String>,
    /// Whether it is XMD Lite, which cannot be searched.
    pub lite: bool,
    /// The people in it.
    pub contacts: Vec<Contact>,
}

/// A person in a directory.
#[derive(Clone, Debug, Default)]
pub struct Contact {
    /// Its id, `CID_…`.
    pub id: String,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Telephone number.
    pub phone: Option<String>,
    /// The customer's own id of the person.
    pub reference: Option<String>,
    /// Whatever else the customer keeps.
    pub embedded_data: BTreeMap<String, String>,
    /// When it was made: seconds since 1970.
    pub created: u64,
}

/// One person's answers to one survey.
#[derive(Clone, Debug)]
pub struct SurveyResponse {
    /// Its id, `R_…`.
    pub id: String,
    /// The survey, `SV_…`.
    pub survey: String,
    /// To whom the survey was sent; none for an anonymous link, which no erasure reaches.
    pub email: Option<String>,
    /// When it was given: seconds since 1970.
    pub recorded: u64,
    /// Question and answer.
    pub answers: BTreeMap<String, String>,
}

/// A person to be added to a brand in all the places where data on people is.
#[derive(Clone, Debug, Default)]
pub struct Person {
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// E-mail addresses: a contact is made for each.
    pub emails: Vec<String>,
    /// Telephone number.
    pub phone: Option<String>,
    /// The customer's own id of the person.
    pub reference: Option<String>,
    /// Whatever else the customer keeps.
    pub embedded_data: BTreeMap<String, String>,
    /// How many survey responses there are under each address.
    pub responses: u32,
    /// Makes the export of this person invented, and at least this many bytes long; below 4 GiB where files are ZIP.
    pub export_bytes: Option<u64>,
}

impl Person {
    /// A person of this name.
    #[must_use]
    pub fn new(first_name: &str, last_name: &str) -> Self {
        Self { first_name: first_name.to_owned(), last_name: last_name.to_owned(), ..Self::default() }
    }

    /// Adds an address.
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

    /// Sets the customer's own id.
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

    /// Gives the person this many survey responses under each address.
    #[must_use]
    pub fn responses(mut self, count: u32) -> Self {
        self.responses = count;
        self
    }

    /// Makes the person's export invented, and at least this many bytes long.
    #[must_use]
    pub fn export_bytes(mut self, bytes: u64) -> Self {
        self.export_bytes = Some(bytes);
        self
    }
}

/// How much a brand holds under one address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Holdings {
    /// Contacts in all directories.
    pub contacts: usize,
    /// Survey responses.
    pub responses: usize,
    /// Accounts of staff.
    pub users: usize,
}

impl Holdings {
    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}

/// How one address is compared with another.
pub(super) type SameAddress = fn(&str, &str) -> bool;

pub(super) fn any_case(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

/// How an erasure of this dialect compares addresses.
pub(super) fn erasure_case(dialects: &Dialects) -> SameAddress {
    match dialects.address_case {
        AddressCase::Ignored => any_case,
        AddressCase::Exact => |one, other| one == other,
    }
}

/// Since when the invented contacts and responses are there.
const FIRST_CREATED: u64 = 1_704_103_200;

impl Brand {
    /// A brand without anything in it.
    #[must_use]
    pub fn new(id: &str, datacenter: &str) -> Self {
        Self { id: id.to_owned(), datacenter: datacenter.to_owned(), ..Self::default() }
    }

    /// Adds an OAuth client that acts as the user of this id.
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

    /// Adds an account.
    #[must_use]
    pub fn user(mut self, id: &str, email: &str, first_name: &str, last_name: &str, administrator: bool) -> Self {
        self.users.push(User {
            id: id.to_owned(),
            email: email.to_owned(),
            first_name: first_name.to_owned(),
            last_name: last_name.to_owned(),
            administrator,
        });
        self
    }

    /// Adds this many accounts that are not administrators, `staff-00001@example.org` and so on.
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

    /// Adds this many empty directories without a name, `POOL_crowd00001` and so on.
    #[must_use]
    pub fn many_directories(mut self, count: u32) -> Self {
        let ids = (1..=count).map(|n| format!("POOL_crowd{n:05}"));
        self.directories.extend(ids.map(|id| Directory { id, ..Directory::default() }));
        self
    }

    /// Adds a person: a contact for each address in each of these directories, and the responses.
    ///
    /// # Panics
    /// If the brand has no directory of such an id.
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
                        ..Contact::default()
                    },
                );
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

    /// Adds this many contacts to a directory, `crowd-00001@example.org` and so on, who share one phone number.
    ///
    /// # Panics
    /// If the brand has no directory of this id.
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

    /// Adds an answer to an anonymous link, in which somebody typed an address: no export and no erasure finds it.
    #[must_use]
    pub fn anonymous_response(mut self, typed_email: &str) -> Self {
        self.add_response(None, &[("Q1", "2"), ("Q7", typed_email)]);
        self
    }

    /// Lets the list of erasures begin with this many complete ones of former people, ten minutes apart.
    #[must_use]
    pub fn past_erasures(mut self, count: u32) -> Self {
        self.past_erasures = count;
        self
    }

    /// How much there is under this address, in any spelling.
    #[must_use]
    pub fn holdings(&self, address: &str) -> Holdings {
        self.held(address, any_case)
    }

    pub(super) fn held(&self, address: &str, same: SameAddress) -> Holdings {
        let contacts = self.directories.iter().flat_map(|directory| &directory.contacts);
        Holdings {
            contacts: contacts.filter(|contact| contact.has_email(address, same)).count(),
            responses: self.responses.iter().filter(|response| response.has_email(address, same)).count(),
            users: self.users.iter().filter(|user| same(&user.email, address)).count(),
        }
    }

    /// Removes all under this address.
    pub(super) fn erase(&mut self, address: &str, same: SameAddress) {
        for directory in &mut self.directories {
            directory.contacts.retain(|contact| !contact.has_email(address, same));
        }
        self.responses.retain(|response| !response.has_email(address, same));
        self.users.retain(|user| !same(&user.email, address));
        self.export_sizes.retain(|email, _| !same(email, address));
    }

    /// Adds a contact, and gives it an id and a date.
    fn add_contact(&mut self, directory: &str, contact: Contact) {
        self.made += 1;
        let number = self.made;
        let directory = self.directories.iter_mut().find(|known| known.id == directory);
        let directory = directory.expect("a person is added to a directory that the brand has");
        let created = FIRST_CREATED + number * 3607;
        directory.contacts.push(Contact { id: format!("CID_{number:015}"), created, ..contact });
    }

    fn add_response(&mut self, email: Option<&str>, answers: &[(&str, &str)]) {
        self.made += 1;
        let number = self.made;
        self.responses.push(SurveyResponse {
            id: format!("R_{number:015}"),
            survey: "SV_000000000000001".to_owned(),
            email: email.map(str::to_owned),
            recorded: FIRST_CREATED + number * 7213,
            answers: answers.iter().map(|&(question, answer)| (question.to_owned(), answer.to_owned())).collect(),
        });
    }
}

impl Contact {
    pub(super) fn has_email(&self, address: &str, same: SameAddress) -> bool {
        self.email.as_deref().is_some_and(|email| same(email, address))
    }
}

impl SurveyResponse {
    pub(super) fn has_email(&self, address: &str, same: SameAddress) -> bool {
        self.email.as_deref().is_some_and(|email| same(email, address))
    }
}
