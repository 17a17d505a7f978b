//! The states of Qualtrics' asynchronous jobs (fact sheet 6.3, 7). Only `Completed` is confirmed.

use serde_json::Value;

use super::envelope::first_of;

/// The state of a job.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum JobState {
    /// In progress.
    Running {
        /// Whether the status is a word that this connector knows.
        known: bool,
    },
    /// Completed.
    Completed,
    /// Completed for a part of the data only.
    PartiallyCompleted,
    /// Failed.
    Failed,
}

impl JobState {
    /// The state behind a status in any spelling (fact sheet 6.3). `has_failure` is whether the job names a reason for a failure,
    /// which decides if the status does not.
    #[must_use]
    pub fn parse(status: Option<&str>, has_failure: bool) -> Self {
        let mut word = status.unwrap_or_default().to_ascii_lowercase();
        word.retain(|character| character.is_ascii_alphanumeric());
        match word.as_str() {
            "completed" | "complete" | "done" | "success" | "successful" | "succeeded" | "finished" => Self::Completed,
            "failed" | "failure" | "fail" | "error" | "errored" | "cancelled" | "canceled" | "rejected" | "expired"
            | "aborted" => Self::Failed,
            word if word.starts_with("partial") || word.starts_with("completedwith") => Self::PartiallyCompleted,
            _ if has_failure => Self::Failed,
            "pending" | "queued" | "inprogress" | "running" | "new" | "created" | "submitted" | "processing"
            | "started" | "waiting" | "accepted" | "scheduled" | "notstarted" | "received" | "open" | "active"
            | "searching" | "deleting" | "erasing" => Self::Running { known: true },
            _ => Self::Running { known: false },
        }
    }
}

/// The reason of a failure: text, or an object's code or message. `None` if it is absent or blank.
#[must_use]
pub fn failure_text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim(),
        Value::Object(_) => first_of(value, &["errorCode", "code", "errorMessage", "message"])?.as_str()?.trim(),
        _ => return None,
    };
    let is_blank = ["", "null", "none", "n/a", "-"].iter().any(|word| text.eq_ignore_ascii_case(word));
    (!is_blank).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_spelling_of_a_state_is_understood() {
        for word in ["Completed", "complete", "DONE", "succeeded", "Success", "finished"] {
            assert_eq!(JobState::parse(Some(word), false), JobState::Completed, "{word}");
        }
        for word in ["inProgress", "IN_PROGRESS", "in progress", "Queued"] {
            assert_eq!(JobState::parse(Some(word), false), JobState::Running { known: true }, "{word}");
        }
        for word in ["Failed", "CANCELED", "expired"] {
            assert_eq!(JobState::parse(Some(word), false), JobState::Failed, "{word}");
        }
        assert_eq!(JobState::parse(Some("PartiallyCompleted"), true), JobState::PartiallyCompleted);
    }

    #[test]
    fn an_unknown_status_is_running_unless_there_is_a_reason_for_a_failure() {
        assert_eq!(JobState::parse(Some("brewing"), false), JobState::Running { known: false });
        assert_eq!(JobState::parse(None, false), JobState::Running { known: false });
        assert_eq!(JobState::parse(Some("brewing"), true), JobState::Failed);
        assert_eq!(JobState::parse(Some("Completed"), true), JobState::Completed);
    }

    #[test]
    fn a_blank_reason_is_none() {
        for value in [json!(null), json!(""), json!(" "), json!("null"), json!("None"), json!({})] {
            assert_eq!(failure_text(&value), None, "{value}");
        }
        assert_eq!(failure_text(&json!({"errorCode": "E_1"})).as_deref(), Some("E_1"));
    }
}
