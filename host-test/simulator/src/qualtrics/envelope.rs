//! The envelope of Qualtrics' responses: the fact sheet, section 3.

use std::time::Duration;

use serde_json::{Map, Value, json};
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

use super::dialects::{ContentType, Dates, ErrorEnvelope, ExtraMembers, HttpStatus, NotFound, Notice, RequestId};
use super::state::State;
use crate::server::{Request, Response};

/// Text that looks like personal data. Every error message of the simulator contains it. Where it appears elsewhere, the
/// vendor's text was passed on.
pub const MESSAGE_CANARY: &str = "canary.person@example.net";

/// The result of an endpoint. An error is a response, too.
pub(super) type EndpointResult = Result<Response, Response>;

impl State {
    /// A JSON response without an envelope.
    pub(super) fn json(&self, status: u16, value: &Value) -> Response {
        let media_type = match self.dialects.content_type {
            ContentType::Charset => "application/json;charset=utf-8",
            ContentType::Plain => "application/json",
        };
        Response::new(status, media_type, value.to_string()).with_header("vary", "Accept-Encoding")
    }

    /// A success with this result.
    pub(super) fn success(&mut self, result: Value) -> Response {
        self.success_with_status(200, result)
    }

    /// A success with this status and result.
    pub(super) fn success_with_status(&mut self, status: u16, mut result: Value) -> Response {
        if self.dialects.extra_members == ExtraMembers::Some {
            add_member(&mut result);
            if let Some(Value::Array(elements)) = result.get_mut("elements") {
                elements.iter_mut().for_each(add_member);
            }
        }
        let mut envelope = Map::new();
        envelope.insert("result".to_owned(), result);
        envelope.insert("meta".to_owned(), self.meta(status));
        self.enveloped(status, envelope)
    }

    /// A success that returns nothing.
    pub(super) fn success_without_result(&mut self) -> Response {
        self.success_with_members(Map::new())
    }

    /// A success whose envelope has these members.
    pub(super) fn success_with_members(&mut self, mut envelope: Map<String, Value>) -> Response {
        envelope.insert("meta".to_owned(), self.meta(200));
        self.enveloped(200, envelope)
    }

    /// The object in a JSON body.
    pub(super) fn json_body(&mut self, request: &Request) -> Result<Map<String, Value>, Response> {
        if !request.has_media_type("application/json") {
            return Err(self.error(415, "QVAL_2"));
        }
        match request.json() {
            Some(Value::Object(members)) => Ok(members),
            _ => Err(self.error(400, "QVAL_1")),
        }
    }

    /// An error with this status and code.
    pub(super) fn error(&mut self, status: u16, code: &str) -> Response {
        let message = format!("The request for {MESSAGE_CANARY} cannot be served.");
        let mut meta = self.meta(status);
        let mut envelope = Map::new();
        match self.dialects.error_envelope {
            ErrorEnvelope::Modern => meta["error"] = json!({ "errorCode": code, "errorMessage": message }),
            ErrorEnvelope::Instance => meta["error"] = json!({ "errorCode": code, "instanceId": self.uuid() }),
            ErrorEnvelope::Old => {
                meta = json!({ "status": "Error", "errorMessage": message, "internalErrorCode": code, "errorId": self.uuid() });
                envelope.insert("result".to_owned(), Value::Null);
            }
        }
        envelope.insert("meta".to_owned(), meta);
        self.enveloped(status, envelope)
    }

    /// The error for an ID that does not exist.
    pub(super) fn not_found(&mut self, code: &str) -> Response {
        match self.dialects.not_found {
            NotFound::Status404 => self.error(404, code),
            NotFound::Status400 => self.error(400, "GP_0"),
        }
    }

    fn enveloped(&self, status: u16, envelope: Map<String, Value>) -> Response {
        let mut envelope = Value::Object(envelope);
        if self.dialects.extra_members == ExtraMembers::Some {
            add_member(&mut envelope);
            add_member(&mut envelope["meta"]);
        }
        self.json(status, &envelope)
    }

    fn meta(&mut self, status: u16) -> Value {
        let mut meta = json!({ "httpStatus": http_status(status, self.dialects.http_status) });
        match self.dialects.request_id {
            RequestId::Uuid => meta["requestId"] = self.uuid().into(),
            RequestId::Null => meta["requestId"] = Value::Null,
            RequestId::Empty => meta["requestId"] = "".into(),
            RequestId::Missing => {}
        }
        let proxied = "Request proxied. For faster response times, use this host instead: other.qualtrics.com";
        let notice = match self.dialects.notice {
            _ if self.is_proxied => Some(proxied),
            Notice::Absent => None,
            Notice::Proxied => Some(proxied),
            Notice::General => Some("The client certificate of canary.person@example.net expires in 30 days."),
        };
        if let Some(notice) = notice {
            meta["notice"] = notice.into();
        }
        meta
    }

    /// An instant since 1970 in the format of most endpoints.
    pub(super) fn date(&self, instant: Duration) -> Value {
        match self.dialects.dates {
            Dates::Seconds => iso(instant).into(),
            Dates::Fraction => {
                let millis = instant.subsec_millis();
                iso(instant).replace('Z', &format!(".{millis:03}Z")).into()
            }
            Dates::EpochMillis => millis(instant),
            Dates::EpochMillisText => millis(instant).to_string().into(),
            Dates::EpochSeconds => instant.as_secs().into(),
            Dates::NoZone => iso(instant).replace('Z', "").into(),
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

/// An instant since 1970 in ISO 8601, with whole seconds and `Z`.
pub(super) fn iso(instant: Duration) -> String {
    let seconds = i64::try_from(instant.as_secs()).unwrap_or(i64::MAX);
    let instant = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    instant.format(&Rfc3339).expect("a year of four digits has an RFC 3339 format")
}

/// Parses an instant in ISO 8601, or as `yyyy-MM-dd HH:mm:ss` in UTC: seconds since 1970.
pub(super) fn parse_instant(text: &str) -> Option<u64> {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
    let instant = OffsetDateTime::parse(text, &Rfc3339).ok();
    let instant = instant.or_else(|| Some(PrimitiveDateTime::parse(text, &format).ok()?.assume_utc()));
    u64::try_from(instant?.unix_timestamp()).ok()
}

/// An instant since 1970 as a number of milliseconds.
pub(super) fn millis(instant: Duration) -> Value {
    u64::try_from(instant.as_millis()).unwrap_or(u64::MAX).into()
}

fn add_member(value: &mut Value) {
    if let Value::Object(members) = value {
        members.insert("aNewMember".to_owned(), json!({ "since": 2027, "values": [null, true, "text"] }));
    }
}
