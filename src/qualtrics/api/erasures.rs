//! Erasure jobs: `/op-erase-personal-data` (fact sheet 6).
//!
//! One job covers several e-mail addresses. Qualtrics works on it in the background and erases everything that it ties to them,
//! including the accounts of users with these addresses. With `searchOnly` it erases nothing.
//!
//! Until a job is completed, a GET by its ID is an error (fact sheet 6.3); the list of all jobs of the brand shows its status.

use serde_json::{Map, Value, json};

pub use super::addresses::Addresses;
use super::client::Call;
use super::cursor::encode;
use super::envelope::{self, ApiResponse, count, first_of};
use super::error::ApiError;
use super::job::{JobState, failure_text};
use super::{sanitize, timestamp};
use crate::privacy::email::{EmailAddress, all_spellings};
use crate::secret::Secret;

/// The path of the resource, below `/API/v3`.
pub(super) const PATH: &str = "/op-erase-personal-data";

/// The spellings of a job's ID, in order of preference (fact sheet 6.2).
const ID_SPELLINGS: [&str; 3] = ["requestid", "requestId", "id"];

/// An erasure job, or a search for what one would erase.
#[derive(Clone, Debug)]
pub struct ErasureJob {
    /// Its ID; empty if the list shows none that is understood.
    pub id: String,
    /// Its state.
    pub state: JobState,
    /// Qualtrics' own word for the state.
    pub status: Option<String>,
    /// The addresses that it covers; `None` where the response does not hold them.
    pub addresses: Option<Addresses>,
    /// How many addresses it was requested for.
    pub requested: Option<u64>,
    /// The addresses without data.
    pub not_found: NotFound,
    /// What it does, if the response contains it.
    pub kind: Option<JobKind>,
    /// The ID of the user who requested it.
    pub user: Option<String>,
    /// Why it failed, as a code.
    pub failure: Option<String>,
    /// When it was created, in seconds of Qualtrics' clock.
    pub created_s: Option<u64>,
    /// When it was last updated, in seconds of Qualtrics' clock.
    pub updated_s: Option<u64>,
    /// Counts by kind of data, where the response holds any: the user interface shows them; for the API they are unconfirmed.
    pub counts: Vec<(String, u64)>,
}

/// What a job does: the member `searchOnly` of the API.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum JobKind {
    /// It deletes.
    Erasure,
    /// It reports what an erasure would delete.
    Search,
}

/// The content of `emailsNotFound`: a list in one client, a number in another (fact sheet 6.2).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NotFound {
    /// Not reported. That does not mean that data was found.
    Unreported,
    /// These addresses.
    Addresses(Addresses),
    /// So many addresses, without naming them.
    Count(u64),
}

/// What a job reports about one address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AddressResult {
    /// Data was found.
    Found,
    /// No data was found.
    NotFound,
    /// Not reported.
    Unreported,
}

impl ErasureJob {
    /// What the job reports about an address. `requested` is how many addresses it covers, counting spellings.
    #[must_use]
    pub fn match_of(&self, email: &EmailAddress, requested: u64) -> AddressResult {
        match &self.not_found {
            NotFound::Addresses(listed) => match_in_list(email, self.addresses.as_ref(), listed),
            NotFound::Count(0) => AddressResult::Found,
            NotFound::Count(count) if *count == requested => AddressResult::NotFound,
            // Some of the addresses; or more than there are, which is not understood.
            NotFound::Unreported | NotFound::Count(_) => AddressResult::Unreported,
        }
    }

    /// Whether the job shows every address that it covers. Equal entries may be different addresses that were masked alike.
    #[must_use]
    pub fn shows_every_address(&self) -> bool {
        let is_complete =
            |list: &Addresses| list.all_readable && list.is_distinct() && self.requested == Some(list.entries);
        self.addresses.as_ref().is_some_and(is_complete)
    }

    /// Whether the job still runs.
    #[must_use]
    pub const fn is_running(&self) -> bool {
        matches!(self.state, JobState::Running { .. })
    }

    /// Whether the job ended before an instant, in seconds of Qualtrics' clock. `None` if the response does not show it: the job ended and
    /// has no timestamp, or it was created before the instant and has a status that this connector does not know.
    #[must_use]
    pub fn ended_before(&self, instant_s: u64) -> Option<bool> {
        match self.state {
            JobState::Running { known: true } => Some(false),
            JobState::Running { known: false } => {
                self.created_s.filter(|created_s| *created_s >= instant_s).map(|_| false)
            }
            JobState::Completed | JobState::PartiallyCompleted | JobState::Failed => {
                self.updated_s.or(self.created_s).map(|ended| ended < instant_s)
            }
        }
    }

    fn parse(value: &Value, id: &str) -> Self {
        let status = first_of(value, &["status", "state"]).and_then(Value::as_str);
        let reason = value.get("failureReason").and_then(failure_text);
        let state = JobState::parse(status, reason.is_some());
        Self {
            id: id.to_owned(),
            state,
            status: status.and_then(sanitize::status),
            addresses: first_of(value, &["emailList", "emails"]).and_then(Addresses::parse),
            requested: value.get("numEmailsRequested").and_then(count),
            not_found: not_found(value.get("emailsNotFound")),
            kind: kind(value),
            user: value.get("user").and_then(envelope::id),
            failure: reason.map(|reason| sanitize::failure(&reason)).filter(|_| state != JobState::Completed),
            created_s: created_s(value),
            updated_s: seconds(value, &["updated", "updatedAt", "lastModified"]),
            counts: counts(value),
        }
    }
}

/// A job on a page of the list. It is parsed on demand: most jobs of the list are of no interest.
#[derive(Clone, Copy)]
pub struct ListedJob<'p> {
    value: &'p Value,
    /// When it was created, in seconds of Qualtrics' clock.
    pub created_s: Option<u64>,
}

impl<'p> ListedJob<'p> {
    pub(super) const fn new(value: &'p Value, created_s: Option<u64>) -> Self {
        Self { value, created_s }
    }

    /// Its ID; `None` if the list shows none.
    #[must_use]
    pub fn id(self) -> Option<String> {
        id_in(self.value)
    }

    /// What it does; `None` if the list does not show it.
    #[must_use]
    pub fn kind(self) -> Option<JobKind> {
        kind(self.value)
    }

    /// The whole job, also if the list shows no ID.
    #[must_use]
    pub fn parse(self) -> ErasureJob {
        ErasureJob::parse(self.value, &self.id().unwrap_or_default())
    }
}

/// Which spellings of the addresses a job is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Spellings {
    /// Every one, because how Qualtrics compares is unconfirmed.
    All,
    /// Those in ASCII.
    Ascii,
}

/// The spellings that are sent.
#[must_use]
pub fn sent(emails: &[EmailAddress], spellings: Spellings) -> Vec<Secret> {
    let mut sent = all_spellings(emails);
    sent.retain(|spelling| spellings == Spellings::All || spelling.reveal().is_ascii());
    sent
}

/// The call that starts an erasure or a search. `searchOnly` is always sent, since its default is unconfirmed.
#[must_use]
pub fn start(emails: &[EmailAddress], kind: JobKind, spellings: Spellings) -> Call {
    let emails = sent(emails, spellings);
    let emails: Vec<&str> = emails.iter().map(Secret::reveal).collect();
    Call::start(PATH, json!({ "emails": emails, "searchOnly": kind == JobKind::Search }))
}

/// The job's ID in the response to [`start`].
///
/// # Errors
/// [`ApiError::Malformed`] if there is none: then it is unknown whether a job was started.
pub fn parse_id(response: &ApiResponse) -> Result<String, ApiError> {
    first_of(&response.result, &["requestId", "requestid", "id"]).and_then(envelope::id).ok_or(ApiError::Malformed)
}

/// The call for one job.
#[must_use]
pub fn get(id: &str) -> Call {
    Call::get(format!("{PATH}/{}", encode(id)))
}

/// The job in the response to [`get`].
///
/// # Errors
/// [`ApiError::Malformed`] if it is no job, or another one.
pub fn parse(response: &ApiResponse, id: &str) -> Result<ErasureJob, ApiError> {
    let job = response.result.as_object().ok_or(ApiError::Malformed)?;
    let names_itself = ID_SPELLINGS.iter().any(|spelling| job.contains_key(*spelling));
    let shown = if names_itself { id_in(&response.result) } else { envelope::id(&Value::from(id)) };
    let shown = shown.filter(|shown| shown.eq_ignore_ascii_case(id)).ok_or(ApiError::Malformed)?;
    Ok(ErasureJob::parse(&response.result, &shown))
}

pub(super) fn created_s(value: &Value) -> Option<u64> {
    seconds(value, &["created", "createdAt", "creationDate"])
}

fn id_in(value: &Value) -> Option<String> {
    ID_SPELLINGS.iter().find_map(|spelling| envelope::id(value.get(spelling)?))
}

fn kind(value: &Value) -> Option<JobKind> {
    match value.get("searchOnly")? {
        Value::Bool(true) => Some(JobKind::Search),
        Value::Bool(false) => Some(JobKind::Erasure),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(JobKind::Search),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(JobKind::Erasure),
        _ => None,
    }
}

fn seconds(value: &Value, spellings: &[&str]) -> Option<u64> {
    first_of(value, spellings).and_then(timestamp::parse_ms).map(|ms| ms / 1_000)
}

/// What a list of addresses without data says about an address. It has no data if every spelling that was sent is listed exactly: those
/// of the request, and those that the job shows. If only some are listed, Qualtrics may have taken them for one address.
fn match_in_list(email: &EmailAddress, job: Option<&Addresses>, listed: &Addresses) -> AddressResult {
    let of_job = job.into_iter().flat_map(|job| job.spellings_of(email));
    let mut sent = email.spellings().iter().chain(of_job);
    if sent.all(|spelling| listed.texts.contains(spelling)) {
        AddressResult::NotFound
    } else if listed.all_readable && !listed.contains(email) {
        AddressResult::Found
    } else {
        AddressResult::Unreported
    }
}

fn not_found(value: Option<&Value>) -> NotFound {
    let Some(value) = value else { return NotFound::Unreported };
    match (value, count(value)) {
        (Value::Array(list), _) if list.is_empty() => NotFound::Addresses(Addresses::none()),
        (_, Some(count)) => NotFound::Count(count),
        (value, None) => Addresses::parse(value).map_or(NotFound::Unreported, NotFound::Addresses),
    }
}

/// Numbers that are not counts of data.
const NOT_COUNTS: [&str; 8] =
    ["id", "requestid", "requestId", "numEmailsRequested", "emailsNotFound", "percentComplete", "percent", "progress"];

/// Numbers from here on are timestamps, which some endpoints send in milliseconds.
const MIN_TIMESTAMP: u64 = 100_000_000_000;

/// Every number that can be a count, on the first two levels of a job.
fn counts(value: &Value) -> Vec<(String, u64)> {
    let members = |value: &Value| value.as_object().cloned().unwrap_or_default();
    let of_member = |(name, value): (String, Value)| {
        let nested = members(&value).into_iter();
        std::iter::once((name, value)).chain(nested).collect::<Map<String, Value>>()
    };
    let is_count = |name: &str| !NOT_COUNTS.contains(&name);
    members(value)
        .into_iter()
        .flat_map(of_member)
        .filter(|(name, _)| is_count(name))
        .filter_map(|(name, value)| {
            let count = value.as_u64().filter(|count| *count < MIN_TIMESTAMP)?;
            Some((sanitize::kebab(&name)?, count))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qualtrics::api::envelope::Notice;

    fn job(value: Value) -> ErasureJob {
        ListedJob::new(&value, created_s(&value)).parse()
    }

    #[test]
    fn a_job_is_parsed_under_every_spelling() {
        for name in ["requestid", "requestId", "id"] {
            let job = job(json!({
                name: "OP-1", "status": "completed", "emailList": ["B@x.org ", "a@x.org"], "searchOnly": "true",
                "created": "2026-01-01T00:00:00Z"
            }));
            assert_eq!(job.id, "OP-1");
            assert_eq!(job.kind, Some(JobKind::Search));
            let addresses = job.addresses.expect("addresses");
            assert!(addresses.all_readable);
            assert_eq!(addresses.readable.keys().map(Secret::reveal).collect::<Vec<_>>(), ["a@x.org", "b@x.org"]);
        }
    }

    #[test]
    fn emails_not_found_is_understood_in_every_form_and_absence_is_not_zero() {
        let matches = |value: Value| {
            let job = job(json!({"id": "1", "emailsNotFound": value}));
            ["a@x.org", "b@x.org"].map(|email| job.match_of(&address(email), 2))
        };
        assert_eq!(matches(json!([" a@x.org"])), [AddressResult::NotFound, AddressResult::Found]);
        assert_eq!(matches(json!(["A@x.org"])), [AddressResult::Unreported, AddressResult::Found]);
        assert_eq!(matches(json!([])), [AddressResult::Found, AddressResult::Found]);
        assert_eq!(matches(json!("a@x.org, b@x.org")), [AddressResult::NotFound, AddressResult::NotFound]);
        assert_eq!(matches(json!(2)), [AddressResult::NotFound, AddressResult::NotFound]);
        assert_eq!(matches(json!("0")), [AddressResult::Found, AddressResult::Found]);
        assert_eq!(matches(json!(1)), [AddressResult::Unreported, AddressResult::Unreported]);
        let unreported = [AddressResult::Unreported, AddressResult::Unreported];
        for value in [
            json!(null),
            json!(""),
            json!({}),
            json!(true),
            json!(-1),
            json!("-1"),
            json!(1.5),
            json!(3),
            json!(u64::MAX),
            json!(["c***@x.org"]),
            json!([{"email": "c@x.org"}]),
            json!([null]),
        ] {
            assert_eq!(matches(value.clone()), unreported, "{value}");
        }
        let partly = [AddressResult::NotFound, AddressResult::Unreported];
        assert_eq!(matches(json!(["a@x.org", "b***@x.org"])), partly);
    }

    fn address(text: &str) -> EmailAddress {
        EmailAddress::parse(text).expect("an address")
    }

    #[test]
    fn an_address_has_no_data_only_if_every_spelling_that_was_sent_has_none() {
        let result =
            |given: &str, listed: Value| job(json!({"id": "1", "emailsNotFound": listed})).match_of(&address(given), 2);
        assert_eq!(result("Ada@x.org", json!(["ada@x.org", "Ada@x.org"])), AddressResult::NotFound);
        assert_eq!(result("Ada@x.org", json!(["ada@x.org"])), AddressResult::Unreported);
        assert_eq!(result("Ada@x.org", json!(["Ada@x.org"])), AddressResult::Unreported);
        assert_eq!(result("Ada@x.org", json!(["ADA@x.org"])), AddressResult::Unreported);
        assert_eq!(result("Ada@x.org", json!(["bob@x.org"])), AddressResult::Found);
        assert_eq!(result("ada@münchen.example", json!(["ada@xn--mnchen-3ya.example"])), AddressResult::Unreported);
        let both = json!(["ada@münchen.example", "ada@xn--mnchen-3ya.example", "ada@mu\u{308}nchen.example"]);
        assert_eq!(result("ada@münchen.example", both), AddressResult::NotFound);
    }

    #[test]
    fn a_spelling_that_only_the_job_shows_has_to_be_listed_too() {
        let result = |listed: Value| {
            let shown = json!({"id": "1", "emailList": ["ada@x.org", "Ada@x.org"], "emailsNotFound": listed});
            job(shown).match_of(&address("ada@x.org"), 2)
        };
        assert_eq!(result(json!(["ada@x.org"])), AddressResult::Unreported);
        assert_eq!(result(json!(["ada@x.org", "Ada@x.org"])), AddressResult::NotFound);
    }

    #[test]
    fn equal_entries_may_be_different_addresses() {
        let shows_all =
            |list: Value| job(json!({"id": "1", "emailList": list, "numEmailsRequested": 2})).shows_every_address();
        assert!(shows_all(json!(["a@x.org", "b@x.org"])));
        assert!(!shows_all(json!(["a@x.org", "a@x.org"])) && !shows_all(json!(["a@x.org"])));
    }

    #[test]
    fn numbers_that_can_be_counts_are_reported() {
        let job = job(json!({"id": 1, "numEmailsRequested": 2, "recordedResponses": 3, "result": {"contacts": 1},
            "created": 1_700_000_000_000_u64}));
        let mut counts = job.counts;
        counts.sort();
        assert_eq!(counts, [("contacts".to_owned(), 1), ("recorded-responses".to_owned(), 3)]);
    }

    #[test]
    fn a_status_that_is_not_understood_is_neither_an_end_nor_a_failure() {
        for status in
            [json!(2), json!(true), json!({"name": "Completed"}), json!(["Completed"]), json!(null), json!("?")]
        {
            let job = job(json!({"id": "1", "status": status}));
            assert_eq!(job.state, JobState::Running { known: false }, "{status}");
        }
    }

    #[test]
    fn numbers_that_are_no_counts_are_left_out() {
        for count in [json!(-1), json!(0.5), json!(1e300), json!("7"), json!(null)] {
            assert!(job(json!({"id": "1", "contacts": count})).counts.is_empty(), "{count}");
        }
    }

    #[test]
    fn a_job_that_ended_without_a_timestamp_may_have_ended_at_any_time() {
        assert_eq!(job(json!({"id": "1", "status": "Completed"})).ended_before(1), None);
        assert_eq!(job(json!({"id": "1", "status": "Running"})).ended_before(u64::MAX), Some(false));
        let dated = json!({"id": "1", "status": "Completed", "updated": "2026-01-01T00:00:00Z"});
        assert_eq!(job(dated).ended_before(5), Some(false));
        let unknown = |created: &str| job(json!({"id": "1", "status": 3, "created": created}));
        assert_eq!(unknown("2026-01-01T00:00:00Z").ended_before(1_767_225_600), Some(false));
        assert_eq!(unknown("2026-01-01T00:00:00Z").ended_before(1_767_225_601), None);
        assert_eq!(unknown("2026-01-01T00:00:00").ended_before(5), None, "without a zone");
    }

    #[test]
    fn a_response_about_another_job_is_malformed() {
        let parse = |result: Value| parse(&ApiResponse { result, notice: Notice::None }, "OP-1");
        assert!(parse(json!({"requestId": "op-1", "status": "Completed"})).is_ok());
        assert!(parse(json!({"requestId": "OP-2", "status": "Completed"})).is_err());
        assert!(parse(json!({"requestId": null, "status": "Completed"})).is_err());
        assert!(parse(json!({"status": "Completed"})).is_ok_and(|job| job.id == "OP-1"));
        assert!(parse(json!("Completed")).is_err());
    }
}
