//! An answer, and the envelope that Qualtrics puts around it: the fact sheet, section 3.

use std::time::Duration;

use serde_json::{Map, Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::content::Content;
use super::dialects::{ContentType, Dates, ErrorEnvelope, ExtraMembers, HttpStatus, NotFound, Notice, RequestId};
use super::state::State;

/// Text like personal data that stands in every error message of the simulator: wherever else it shows up, somebody has
/// passed a vendor's text on.
pub const MESSAGE_CANARY: &str = "canary.person@example.net";

/// What an endpoint answers.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Content,
    /// Whether the end of the body is not told beforehand.
    pub(super) chunked: bool,
}

impl Answer {
    pub(super) fn new(status: u16, media_type: &str, body: impl Into<bytes::Bytes>) -> Self {
        Self::of(status, media_type, Content::kept(body))
    }

    pub(super) fn of(status: u16, media_type: &str, body: Content) -> Self {
        Self { status, headers: vec![("content-type", media_type.to_owned())], body, chunked: false }
    }

    pub(super) fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// What an endpoint answers: an answer, or a refusal, which is an answer, too.
pub(super) type Answered = Result<Answer, Answer>;

impl State {
    /// JSON as it is.
    pub(super) fn json(&self, status: u16, value: &Value) -> Answer {
        let media_type = match self.dialects.content_type {
            ContentType::Charset => "application/json;charset=utf-8",
            ContentType::Plain => "application/json",
        };
        Answer::new(status, media_type, value.to_string()).with_header("vary", "Accept-Encoding")
    }

    /// A success with this result.
    pub(super) fn success(&mut self, mut result: Value) -> Answer {
        if self.dialects.extra_members == ExtraMembers::Some {
            add_member(&mut result);
            if let Some(Value::Array(elements)) = result.get_mut("elements") {
                elements.iter_mut().for_each(add_member);
            }
        }
        let mut answer = Map::new();
        answer.insert("result".to_owned(), result);
        answer.insert("meta".to_owned(), self.meta(200));
        self.enveloped(200, answer)
    }

    /// An error with this status and code.
    pub(super) fn refusal(&mut self, status: u16, code: &str) -> Answer {
        let message = format!("The request for {MESSAGE_CANARY} cannot be served.");
        let mut meta = self.meta(status);
        let mut answer = Map::new();
        match self.dialects.error_envelope {
            ErrorEnvelope::Modern => meta["error"] = json!({ "errorCode": code, "errorMessage": message }),
            ErrorEnvelope::Instance => meta["error"] = json!({ "errorCode": code, "instanceId": self.uuid() }),
            ErrorEnvelope::Old => {
                meta = json!({ "status": "Error", "errorMessage": message, "internalErrorCode": code, "errorId": self.uuid() });
                answer.insert("result".to_owned(), Value::Null);
            }
        }
        answer.insert("meta".to_owned(), meta);
        self.enveloped(status, answer)
    }

    /// The error for an id that does not exist.
    pub(super) fn not_found(&mut self, code: &str) -> Answer {
        match self.dialects.not_found {
            NotFound::Status404 => self.refusal(404, code),
            NotFound::Status400 => self.refusal(400, "GP_0"),
        }
    }

    fn enveloped(&self, status: u16, answer: Map<String, Value>) -> Answer {
        let mut answer = Value::Object(answer);
        if self.dialects.extra_members == ExtraMembers::Some {
            add_member(&mut answer);
            add_member(&mut answer["meta"]);
        }
        self.json(status, &answer)
    }

    fn meta(&mut self, status: u16) -> Value {
        let mut meta = json!({ "httpStatus": http_status(status, self.dialects.http_status) });
        match self.dialects.request_id {
            RequestId::Uuid => meta["requestId"] = self.uuid().into(),
            RequestId::Null => meta["requestId"] = Value::Null,
            RequestId::Empty => meta["requestId"] = "".into(),
            RequestId::Missing => {}
        }
        if self.dialects.notice == Notice::Proxied {
            let notice = "Request proxied. For faster response times, use this host instead: other.qualtrics.com";
            meta["notice"] = notice.into();
        }
        meta
    }

    /// An instant since 1970, as most endpoints write it.
    pub(super) fn date(&self, instant: Duration) -> Value {
        match self.dialects.dates {
            Dates::Seconds => iso(instant).into(),
            Dates::Fraction => {
                let millis = instant.subsec_millis();
                iso(instant).replace('Z', &format!(".{millis:03}Z")).into()
            }
            Dates::EpochMillis => millis(instant),
            Dates::EpochMillisText => millis(instant).to_string().into(),
        }
    }
}

/// `200 - OK`, or `200`.
pub(super) fn http_status(status: u16, dialect: HttpStatus) -> String {
    let code = hyper::StatusCode::from_u16(status).ok();
    match (dialect, code.and_then(|code| code.canonical_reason())) {
        (HttpStatus::Text, Some(reason)) => format!("{status} - {reason}"),
        _ => status.to_string(),
    }
}

/// Whole seconds in ISO 8601 with Z.
pub(super) fn iso(instant: Duration) -> String {
    let seconds = i64::try_from(instant.as_secs()).unwrap_or(i64::MAX);
    let instant = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    instant.format(&Rfc3339).expect("years of four digits can be written")
}

pub(super) fn millis(instant: Duration) -> Value {
    u64::try_from(instant.as_millis()).unwrap_or(u64::MAX).into()
}

fn add_member(value: &mut Value) {
    if let Value::Object(members) = value {
        members.insert("aNewMember".to_owned(), json!({ "since": 2027, "values": [null, true, "text"] }));
    }
}
