//! Customer data requests: the export of an access request (fact sheet 7).
//!
//! That there are three operations, and their titles, is confirmed. Their JSON is not: everything is read under every
//! name that sibling operations use.

use super::client::Call;
use super::cursor::encode;
use super::envelope::{self, Answer, Trouble, member};
use super::job::{JobState, failure_text};
use super::timestamp;
use super::word;
use crate::digits;
use crate::json::{Json, Object};
use crate::prelude::*;
use crate::secret::Secret;

const PATH: &str = "/customer-data-requests";

/// The job of a customer data request, as its progress tells.
#[derive(Clone, Debug)]
pub struct Export {
    /// How far it is.
    pub state: JobState,
    /// Qualtrics' own word for it.
    pub status: Option<String>,
    /// 0 to 100. Decoration: only the status decides.
    pub percent: Option<u8>,
    /// The ids of its files, each once.
    pub files: Vec<String>,
    /// Why it failed, as a code.
    pub failure: Option<String>,
    /// When it was made, in Qualtrics' time, written as this connector writes instants.
    pub created: Option<String>,
    /// When it last changed.
    pub updated: Option<String>,
}

/// The call that begins the export of everything under these addresses.
#[must_use]
pub fn begin(emails: &[Secret]) -> Call {
    let emails = Json::texts(emails.iter().map(Secret::reveal));
    Call::begin(PATH, Object::default().with("emails", emails))
}

/// The same for one address, in the other form that the body may have: which one is right is unconfirmed.
#[must_use]
pub fn begin_singular(email: &Secret) -> Call {
    Call::begin(PATH, Object::default().with("email", email.reveal().into()))
}

/// The id in the answer to [`begin`].
///
/// # Errors
/// [`Trouble::Unreadable`] if there is none: without an id nothing can be followed.
pub fn read_id(answer: &Answer) -> Result<String, Trouble> {
    let spellings = ["customerDataRequestId", "requestId", "requestid", "id", "jobId", "progressId"];
    let named = spellings.iter().find_map(|name| envelope::id(answer.result.get(name)?));
    named.or_else(|| envelope::id(&answer.result)).map(str::to_owned).ok_or(Trouble::Unreadable)
}

/// The call that asks how a job is getting on.
#[must_use]
pub fn progress(job: &str) -> Call {
    Call::get([PATH, "/", &encode(job)].concat())
}

/// A look-up that cannot find anything: whether it is allowed is told by how it fails.
#[must_use]
pub fn probe() -> Call {
    progress("00000000-0000-0000-0000-000000000000")
}

/// The path of a file.
#[must_use]
pub fn file_path(job: &str, file: &str) -> String {
    [PATH, "/", &encode(job), "/files/", &encode(file)].concat()
}

/// Reads the answer to [`progress`].
#[must_use]
pub fn read_progress(answer: &Answer) -> Export {
    let result = &answer.result;
    let status = member(result, &["status", "state", "requestStatus"]).and_then(Json::as_str);
    let reason = member(result, &["failureReason", "error", "errorMessage"]).and_then(failure_text);
    let percent = member(result, &["percentComplete", "percent", "progress"]);
    let percent = percent.and_then(|value| match value {
        Json::Number(text) | Json::Text(text) => whole_percent(text),
        _ => None,
    });
    let state = JobState::read(status, reason.is_some());
    let instant = |name| result.get(name).and_then(timestamp::read_ms).and_then(timestamp::write);
    Export {
        state,
        status: status.and_then(word::status),
        percent,
        files: files(result),
        failure: match state {
            JobState::Completed | JobState::Running { .. } => None,
            JobState::Failed | JobState::Partly => Some(word::failure(reason.as_deref().unwrap_or_default())),
        },
        created: instant("created"),
        updated: instant("updated"),
    }
}

/// `42`, `42.5`, `42 %`: what stands before the point.
fn whole_percent(text: &str) -> Option<u8> {
    let text = text.trim_end_matches('%').trim();
    let (whole, _) = text.split_once('.').unwrap_or((text, ""));
    digits::number(whole.as_bytes()).filter(|percent| *percent <= 100).and_then(|percent| u8::try_from(percent).ok())
}

fn files(result: &Json) -> Vec<String> {
    let mut files: Vec<String> = Vec::new();
    let mut add = |value: &Json| {
        let inner = member(value, &["fileId", "id", "name"]).unwrap_or(value);
        if let Some(id) = envelope::id(inner).filter(|id| !files.iter().any(|file| file == id)) {
            files.push(id.to_owned());
        }
    };
    for name in ["fileId", "fileIds", "files", "file"] {
        match result.get(name) {
            Some(Json::List(listed)) => listed.iter().for_each(&mut add),
            Some(value) if !value.is_null() => add(value),
            _ => {}
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(result: Value) -> Export {
        read_progress(&Answer { result: result.into(), proxied: false })
    }

    #[test]
    fn files_are_found_in_every_shape_and_each_once() {
        for (result, expected) in [
            (json!({"fileId": "F1"}), vec!["F1"]),
            (json!({"fileIds": ["F1", "F2", "F1"]}), vec!["F1", "F2"]),
            (json!({"files": ["F1", {"fileId": "F2"}, {"id": "F3"}, {"name": "F4"}]}), vec!["F1", "F2", "F3", "F4"]),
            (json!({"fileId": null, "files": []}), vec![]),
            (json!({"fileId": "F1", "files": [{"id": "F1"}]}), vec!["F1"]),
        ] {
            assert_eq!(read(result).files, expected);
        }
    }

    #[test]
    fn a_percentage_is_decoration() {
        assert_eq!(read(json!({"percentComplete": 42.9})).percent, Some(42));
        assert_eq!(read(json!({"percentComplete": "50"})).percent, Some(50));
        assert_eq!(read(json!({"percentComplete": 1000})).percent, None);
    }

    #[test]
    fn an_id_is_found_under_every_name_and_null_is_none() {
        for name in ["customerDataRequestId", "requestId", "requestid", "id", "jobId", "progressId"] {
            let result = json!({ name: "R-1" });
            assert_eq!(read_id(&Answer { result: result.into(), proxied: false }).as_deref(), Ok("R-1"));
        }
        assert!(read_id(&Answer { result: json!({"id": null}).into(), proxied: false }).is_err());
        assert!(read_id(&Answer { result: json!({"id": "null"}).into(), proxied: false }).is_err());
    }
}
