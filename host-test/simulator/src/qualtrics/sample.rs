//! A small brand with realistic data. Its persons and telephone numbers are fictitious.

use super::brand::Brand;
use super::person::Person;

/// The ID of the sample brand's OAuth client. It makes calls for [`SAMPLE_ADMINISTRATOR`], with [`SCOPES`].
pub const SAMPLE_CLIENT_ID: &str = "b6c5d4e3f2a1908070605040302010ff";
/// The secret of [`SAMPLE_CLIENT_ID`]. It contains characters that must be encoded.
pub const SAMPLE_CLIENT_SECRET: &str = "sample:secret/with+all=signs that need care";
/// The ID of a second OAuth client with the same scopes. It makes calls for [`SAMPLE_STAFF`].
pub const SAMPLE_STAFF_CLIENT_ID: &str = "00ff10203040506070809a1b2c3d4e5f";
/// The secret of [`SAMPLE_STAFF_CLIENT_ID`].
pub const SAMPLE_STAFF_CLIENT_SECRET: &str = "another-sample-secret";
/// The ID of a third OAuth client, for programs that also write. It makes calls for [`SAMPLE_ADMINISTRATOR`], with [`SCOPES`] and
/// [`WRITE_SCOPES`].
pub const SAMPLE_WRITER_CLIENT_ID: &str = "ffeeddccbbaa99887766554433221100";
/// The secret of [`SAMPLE_WRITER_CLIENT_ID`].
pub const SAMPLE_WRITER_CLIENT_SECRET: &str = "a-third-sample-secret";
/// The API token of [`SAMPLE_ADMINISTRATOR`].
pub const SAMPLE_API_TOKEN: &str = "sample0api0token0that0nobody0may0see0001";
/// The address of a brand administrator.
pub const SAMPLE_ADMINISTRATOR: &str = "grace.admin@example.com";
/// The address of a user who is not an administrator.
pub const SAMPLE_STAFF: &str = "linus.staff@example.com";
/// The address of a user who is also a contact in both directories.
pub const SAMPLE_STAFF_CONTACT: &str = "mary.both@example.com";
/// The address of a person with a contact in both directories, a telephone number, a reference and three survey responses.
pub const SAMPLE_PERSON: &str = "ada.lovelace@example.com";
/// The telephone number of [`SAMPLE_PERSON`].
pub const SAMPLE_PHONE: &str = "+12025550101";
/// The external reference of [`SAMPLE_PERSON`].
pub const SAMPLE_REFERENCE: &str = "CUST-0001";
/// The two addresses of one person. Their contacts share [`SAMPLE_SHARED_REFERENCE`] and [`SAMPLE_SHARED_PHONE`].
pub const SAMPLE_TWO_ADDRESSES: [&str; 2] = ["charles.b@example.com", "c.babbage@example.org"];
/// The reference that the contacts of [`SAMPLE_TWO_ADDRESSES`] share.
pub const SAMPLE_SHARED_REFERENCE: &str = "CUST-0002";
/// The telephone number that the contacts of [`SAMPLE_TWO_ADDRESSES`] share.
pub const SAMPLE_SHARED_PHONE: &str = "+447700900123";
/// The address of a person to whom e-mails bounce.
pub const SAMPLE_BOUNCING: &str = "hedy@example.com";
/// The address of a person with survey responses and without a contact.
pub const SAMPLE_RESPONDENT: &str = "rosalind.only@example.org";
/// An address that occurs only in the text of an anonymous survey response.
pub const SAMPLE_TYPED_ADDRESS: &str = "typed.in@example.org";
/// An address for which the brand holds nothing.
pub const SAMPLE_STRANGER: &str = "nobody.here@example.org";
/// The ID of the directory of customers.
pub const SAMPLE_CUSTOMERS: &str = "POOL_2aCustomers0001";
/// The ID of the directory of employees and partners.
pub const SAMPLE_PARTNERS: &str = "POOL_2bPartners00002";

/// The five scopes that a privacy connector requests.
pub const SCOPES: [&str; 5] = [
    "manage:customer_data_requests",
    "manage:erasure_requests",
    "read:directories",
    "read:directory_contacts",
    "read:users",
];

/// The scope with which a privacy connector reads more than with [`SCOPES`].
pub const OPTIONAL_SCOPE: &str = "read:contact_transactions";

/// The scopes that a program needs beside [`SCOPES`] to change users, contacts, mailing lists and transactions.
pub const WRITE_SCOPES: [&str; 5] = [
    "manage:contact_transactions",
    "manage:directory_contacts",
    "manage:mailing_list_contacts",
    "manage:mailing_lists",
    "manage:users",
];

impl Brand {
    /// A brand with two directories, a dozen persons, four users and three OAuth clients.
    #[must_use]
    pub fn sample() -> Self {
        let (both, customers) = ([SAMPLE_CUSTOMERS, SAMPLE_PARTNERS], [SAMPLE_CUSTOMERS]);
        let ada = Person::new("Ada", "Lovelace").email(SAMPLE_PERSON).phone(SAMPLE_PHONE).reference(SAMPLE_REFERENCE);
        let ada = ada.embedded("Loyalty tier", "Gold").embedded("Store", "St. James's Square").responses(3);
        let charles = Person::new("Charles", "Babbage").phone(SAMPLE_SHARED_PHONE).reference(SAMPLE_SHARED_REFERENCE);
        let charles = charles.email(SAMPLE_TWO_ADDRESSES[0]).email(SAMPLE_TWO_ADDRESSES[1]).responses(1);
        let mary = Person::new("Mary", "Both").email(SAMPLE_STAFF_CONTACT).phone("+12025550111").responses(1);
        let others = [
            ("Alan", "Turing", "alan.t@example.org", "+12025550102"),
            ("Hedy", "Lamarr", SAMPLE_BOUNCING, "+12025550103"),
            ("Katherine", "Johnson", "k.johnson@example.org", "+12025550104"),
            ("Claude", "Shannon", "claude@example.com", "+12025550105"),
            ("Edsger", "Dijkstra", "edsger+surveys@example.org", "+12025550106"),
            ("Sofía", "Núñez", "sofia.nunez@example.com", "+12025550107"),
            ("Barbara", "O'Liskov", "barbara.o'liskov@example.org", "+12025550108"),
        ];
        let mut brand = Self::new("examplebrand", "fra1")
            .user("UR_1aGraceAdmin0001", SAMPLE_ADMINISTRATOR, "Grace", "Admin", true)
            .user("UR_2bLinusStaff0002", SAMPLE_STAFF, "Linus", "Staff", false)
            .user("UR_3cMaryBoth000003", SAMPLE_STAFF_CONTACT, "Mary", "Both", false)
            .user("UR_4dSecondAdmin004", "second.admin@example.com", "Second", "Admin", true)
            .client(SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, &SCOPES, "UR_1aGraceAdmin0001")
            .client(SAMPLE_STAFF_CLIENT_ID, SAMPLE_STAFF_CLIENT_SECRET, &SCOPES, "UR_2bLinusStaff0002")
            .client(
                SAMPLE_WRITER_CLIENT_ID,
                SAMPLE_WRITER_CLIENT_SECRET,
                &[&SCOPES[..], &WRITE_SCOPES].concat(),
                "UR_1aGraceAdmin0001",
            )
            .api_token("UR_1aGraceAdmin0001", SAMPLE_API_TOKEN)
            .directory(SAMPLE_CUSTOMERS, "Customers")
            .directory(SAMPLE_PARTNERS, "Employees and partners")
            .person(&ada, &both)
            .person(&charles, &both)
            .person(&mary, &both)
            .person(&Person::new("Rosalind", "Only").email(SAMPLE_RESPONDENT).responses(2), &[])
            .anonymous_response(SAMPLE_TYPED_ADDRESS)
            .past_erasures(3);
        for (n, (first, last, email, phone)) in others.into_iter().enumerate() {
            let person = Person::new(first, last).email(email).phone(phone).reference(&format!("CUST-1{n:03}"));
            let person = if email == SAMPLE_BOUNCING { person.bouncing() } else { person };
            brand = brand.person(&person.responses(1), if n % 2 == 0 { &both } else { &customers });
        }
        brand.person(&Person::new("Nameless", "Caller").phone("+12025550109").reference("CUST-0009"), &customers)
    }
}
