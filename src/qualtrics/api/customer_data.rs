//! Customer data requests: the export of an access request (fact sheet 7).
//!
//! The three operations and their titles are confirmed. Their JSON is not: it is parsed under every name that sibling operations
//! use.

use serde_json::{Value, json};

use super::client::Call;
use super::cursor::encode;
use super::envelope::{self, ApiResponse, count, first_of};
use super::error::ApiError;
use super::job::{JobState, failure_text};
use super::{sanitize, timestamp};
use crate::secret::Secret;

const PATH: &str = "/customer-data-requests";

/// The spellings of a job's ID, in order of preference.
const ID_SPELLINGS: [&str; 6] = ["customerDataRequestId", "requestId", "requestid", "id", "jobId", "progressId"];

/// The members that list the files of a job.
const FILE_MEMBERS: [&str; 4] = ["fileId", "fileIds", "files", "file"];

/// An ID that no job has.
const NO_SUCH_JOB: &str = "00000000-0000-0000-0000-000000000000";

/// The job of a customer data request.
#[derive(Clone, Debug)]
pub struct Export {
    /// Its state.
    pub state: JobState,
    /// Qualtrics' own word for the state.
    pub status: Option<String>,
    /// 0 to 100. For display: only the state decides.
    pub percent: Option<u8>,
    /// The IDs of its files, each once.
    pub files: Vec<String>,
    /// Whether the response holds something where file IDs are expected that is not one. Then `files` is incomplete.
    pub has_unknown_files: bool,
    /// Why it failed, as a code.
    pub failure: Option<String>,
    /// When it was created, by Qualtrics' clock, in this connector's format.
    pub created: Option<String>,
    /// When it was last updated, likewise.
    pub updated: Option<String>,
}

/// The call that starts the export of everything under these spellings of addresses.
#[must_use]
pub fn start(emails: &[Secret]) -> Call {
    let emails: Vec<&str> = emails.iter().map(Secret::reveal).collect();
    Call::start(PATH, json!({ "emails": emails }))
}

/// The same for one address, in the other form that the body may have: which one is right is unconfirmed.
#[must_use]
pub fn start_singular(email: &Secret) -> Call {
    Call::start(PATH, json!({ "email": email.reveal() }))
}

/// The job's ID in the response to [`start`].
///
/// # Errors
/// [`ApiError::Malformed`] if there is none: the job cannot be followed.
pub fn parse_id(response: &ApiResponse) -> Result<String, ApiError> {
    let result = &response.result;
    let named = ID_SPELLINGS.iter().find_map(|spelling| envelope::id(result.get(spelling)?));
    named.or_else(|| envelope::id(result)).ok_or(ApiError::Malformed)
}

/// The call for the progress of a job.
#[must_use]
pub fn progress(job: &str) -> Call {
    Call::get(format!("{PATH}/{}", encode(job)))
}

/// A look-up that finds nothing: how it fails shows whether it is permitted.
#[must_use]
pub fn probe() -> Call {
    progress(NO_SUCH_JOB)
}

/// The path of a file.
#[must_use]
pub fn file_path(job: &str, file: &str) -> String {
    format!("{PATH}/{}/files/{}", encode(job), encode(file))
}

/// Parses the response to [`progress`].
///
/// # Errors
/// [`ApiError::Malformed`] if it is about no job.
pub fn parse_progress(response: &ApiResponse) -> Result<Export, ApiError> {
    let result = Some(&response.result).filter(|result| result.is_object()).ok_or(ApiError::Malformed)?;
    let status = first_of(result, &["status", "state", "requestStatus"]).and_then(Value::as_str);
    let reason = first_of(result, &["failureReason", "error", "errorMessage"]).and_then(failure_text);
    let state = JobState::parse(status, reason.is_some());
    let timestamp = |name: &str| result.get(name).and_then(timestamp::parse_ms).and_then(timestamp::format);
    let (files, has_unknown_files) = parse_files(result);
    Ok(Export {
        state,
        status: status.and_then(sanitize::status),
        percent: first_of(result, &["percentComplete", "percent", "progress"]).and_then(parse_percent),
        files,
        has_unknown_files,
        failure: match state {
            JobState::Completed | JobState::Running { .. } => None,
            JobState::Failed | JobState::PartiallyCompleted => {
                Some(sanitize::failure(reason.as_deref().unwrap_or_default()))
            }
        },
        created: timestamp("created"),
        updated: timestamp("updated"),
    })
}

/// `42`, `42.5` or `"42 %"`, rounded down.
fn parse_percent(value: &Value) -> Option<u8> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim_end_matches('%').trim().to_owned(),
        _ => return None,
    };
    let whole = text.split('.').next().unwrap_or_default();
    whole.parse().ok().filter(|percent| *percent <= 100)
}

/// The IDs of the files, each once, and whether there is anything else among them.
fn parse_files(result: &Value) -> (Vec<String>, bool) {
    let (mut files, mut has_unknown) = (Vec::new(), false);
    let known = FILE_MEMBERS.iter().filter_map(|name| result.get(name));
    for value in known.filter(|value| !is_blank(value)) {
        let listed = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        for value in listed {
            match envelope::id(first_of(value, &["fileId", "id", "name"]).unwrap_or(value)) {
                Some(id) if files.contains(&id) => {}
                Some(id) => files.push(id),
                None => has_unknown = true,
            }
        }
    }
    // Without a file that is understood, another member may hold them.
    has_unknown |= files.is_empty() && mentions_files(result);
    (files, has_unknown)
}

/// Whether a member at any level is filled and named like one that holds files, links to them or their number.
fn mentions_files(value: &Value) -> bool {
    let is_nothing = |value: &Value| is_blank(value) || *value == Value::Bool(false) || count(value) == Some(0);
    let is_named = |name: &str| {
        let name = name.to_ascii_lowercase();
        ["file", "download", "url"].iter().any(|part| name.contains(part))
    };
    match value {
        Value::Object(members) => {
            members.iter().any(|(name, value)| (is_named(name) && !is_nothing(value)) || mentions_files(value))
        }
        Value::Array(elements) => elements.iter().any(mentions_files),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Whether a member holds nothing: `null`, in text as well, or an empty text, list or object.
fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty() || text.trim().eq_ignore_ascii_case("null"),
        Value::Array(list) => list.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qualtrics::api::envelope::Notice;

    fn export(result: Value) -> Export {
        parse_progress(&ApiResponse { result, notice: Notice::None }).expect("a job")
    }

    #[test]
    fn a_response_about_no_job_is_malformed() {
        for result in [json!(null), json!("complete"), json!([{"status": "complete"}]), json!(7)] {
            let parsed = parse_progress(&ApiResponse { result: result.clone(), notice: Notice::None });
            assert_eq!(parsed.err(), Some(ApiError::Malformed), "{result}");
        }
    }

    #[test]
    fn a_status_that_is_not_understood_is_no_end() {
        for status in [json!(2), json!({"value": "complete"}), json!(null), json!(true), json!("")] {
            assert_eq!(export(json!({ "status": status })).state, JobState::Running { known: false }, "{status}");
        }
    }

    #[test]
    fn files_are_found_in_every_shape_and_each_once() {
        for (result, expected) in [
            (json!({"fileId": "F1"}), vec!["F1"]),
            (json!({"fileIds": ["F1", "F2", "F1"]}), vec!["F1", "F2"]),
            (json!({"files": ["F1", {"fileId": "F2"}, {"id": "F3"}, {"name": "F4"}]}), vec!["F1", "F2", "F3", "F4"]),
            (json!({"fileId": null, "files": [], "file": "null", "fileIds": {}}), vec![]),
            (json!({"fileId": "F1", "files": [{"id": "F1"}]}), vec!["F1"]),
            (json!({"fileId": "F1", "fileFormat": "json"}), vec!["F1"]),
            (json!({"fileId": null, "fileCount": 0, "downloadUrl": "", "hasFiles": false}), vec![]),
        ] {
            let export = export(result);
            assert_eq!(export.files, expected);
            assert!(!export.has_unknown_files);
        }
    }

    #[test]
    fn a_file_that_is_not_understood_is_not_the_same_as_no_file() {
        for result in [
            json!({"files": [{"fileID": "F1"}]}),
            json!({"files": ["F1", null]}),
            json!({"fileIds": {"first": "F1"}}),
            json!({"fileId": true}),
            json!({"fileId": ".."}),
            json!({"fileId": -1}),
            json!({"fileID": "F1"}),
            json!({"exportFiles": [{"id": "F1"}]}),
            json!({"fileId": null, "data": {"downloadUrl": "https://example.org/1"}}),
            json!({"fileId": null, "fileCount": 2}),
        ] {
            assert!(export(result.clone()).has_unknown_files, "{result}");
        }
    }

    #[test]
    fn a_percentage_is_rounded_down() {
        assert_eq!(export(json!({"percentComplete": 42.9})).percent, Some(42));
        assert_eq!(export(json!({"percentComplete": "50 %"})).percent, Some(50));
        for value in [json!(1000), json!(101), json!(-1), json!("half"), json!(null)] {
            assert_eq!(export(json!({ "percentComplete": value })).percent, None, "{value}");
        }
    }

    #[test]
    fn an_id_is_found_under_every_name_and_null_is_none() {
        let id = |result: Value| parse_id(&ApiResponse { result, notice: Notice::None });
        for name in ID_SPELLINGS {
            assert_eq!(id(json!({ name: "R-1" })).as_deref(), Ok("R-1"));
        }
        assert_eq!(id(json!("R-1")).as_deref(), Ok("R-1"));
        assert_eq!(id(json!({"id": null})), Err(ApiError::Malformed));
        assert_eq!(id(json!({"id": "null"})), Err(ApiError::Malformed));
    }
}
