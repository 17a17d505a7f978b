//! The states of Qualtrics' asynchronous jobs (fact sheet 6.3, 7). Only `Completed` is attested.

use super::envelope::member;
use crate::json::Json;
use crate::prelude::*;

/// How far a job of Qualtrics' is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum JobState {
    /// Not finished. `known` is whether the word for it is one that is known.
    Running {
        /// Whether the status is a known word.
        known: bool,
    },
    /// Finished.
    Completed,
    /// Finished, but not with everything.
    Partly,
    /// Given up.
    Failed,
}

impl JobState {
    /// The state behind a word, without regard to its spelling (fact sheet 6.3), and the reason of a failure beside it.
    #[must_use]
    pub fn read(status: Option<&str>, has_failure: bool) -> Self {
        let mut word = status.unwrap_or_default().to_ascii_lowercase();
        word.retain(|letter| letter.is_ascii_alphanumeric());
        match word.as_str() {
            "completed" | "complete" | "done" | "success" | "successful" | "succeeded" | "finished" => Self::Completed,
            "failed" | "failure" | "fail" | "error" | "errored" | "cancelled" | "canceled" | "rejected" | "expired"
            | "aborted" => Self::Failed,
            word if word.starts_with("partial") || word.starts_with("completedwith") => Self::Partly,
            _ if has_failure => Self::Failed,
            "pending" | "queued" | "inprogress" | "running" | "new" | "created" | "submitted" | "processing"
            | "started" | "waiting" | "accepted" | "scheduled" | "notstarted" | "received" | "open" | "active"
            | "searching" | "deleting" | "erasing" => Self::Running { known: true },
            _ => Self::Running { known: false },
        }
    }
}

/// A reason that says something: text, or an object's code or message.
#[must_use]
pub fn failure_text(value: &Json) -> Option<String> {
    let text = match value {
        Json::Text(text) => text.trim(),
        Json::Object(_) => member(value, &["errorCode", "code", "errorMessage", "message"])?.as_str()?.trim(),
        _ => return None,
    };
    let blank = ["", "null", "none", "n/a", "-"].iter().any(|word| text.eq_ignore_ascii_case(word));
    (!blank).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_spelling_of_a_state_is_understood() {
        for word in ["Completed", "complete", "DONE", "succeeded", "Success", "finished"] {
            assert_eq!(JobState::read(Some(word), false), JobState::Completed, "{word}");
        }
        for word in ["inProgress", "IN_PROGRESS", "in progress", "Queued"] {
            assert_eq!(JobState::read(Some(word), false), JobState::Running { known: true }, "{word}");
        }
        for word in ["Failed", "CANCELED", "expired"] {
            assert_eq!(JobState::read(Some(word), false), JobState::Failed, "{word}");
        }
        assert_eq!(JobState::read(Some("brewing"), false), JobState::Running { known: false });
        assert_eq!(JobState::read(None, false), JobState::Running { known: false });
        assert_eq!(JobState::read(Some("brewing"), true), JobState::Failed);
        assert_eq!(JobState::read(Some("Completed"), true), JobState::Completed);
        assert_eq!(JobState::read(Some("PartiallyCompleted"), true), JobState::Partly);
    }

    #[test]
    fn a_reason_that_says_nothing_is_none() {
        for value in [json!(null), json!(""), json!(" "), json!("null"), json!("None"), json!({})] {
            assert_eq!(failure_text(&value.clone().into()), None, "{value}");
        }
        assert_eq!(failure_text(&json!({"errorCode": "E_1"}).into()).as_deref(), Some("E_1"));
    }
}
