//! Qualtrics' response envelope: `{"result": …, "meta": …}` (fact sheet 3.1, 3.2).

use std::fmt;

use serde_json::Value;

use super::error::{ApiError, ErrorForm, ErrorResponse, is_rejection_status};
use super::sanitize;
use crate::http::retry::{clamp_delay_ms, retry_after_ms};
use crate::http::web_page::{is_web_page, text_start};
use crate::http::{Response, ResponseHead, json};

pub use crate::http::json::{count, first_of};

/// The longest ID that is accepted, in bytes: far longer than any of Qualtrics'.
const MAX_ID_BYTES: usize = 128;

/// A successful response. `Debug` does not show the result, which may hold personal data.
#[derive(Clone, PartialEq)]
pub struct ApiResponse {
    /// `result`; `null` if there is none.
    pub result: Value,
    /// What `meta.notice` is about. Its text is not kept.
    pub notice: Notice,
}

/// What a notice of Qualtrics is about, judged by its content (fact sheet 1 and 13).
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Notice {
    /// There is none.
    #[default]
    None,
    /// Something other than the data centre, such as a certificate that expires.
    General,
    /// The request was proxied to another data centre.
    Proxied,
}

impl Notice {
    /// What the texts about a proxied request contain, in lower case and without blanks and punctuation.
    const PROXIED: [&str; 6] =
        ["proxied", "usethishost", "anotherdatacent", "otherdatacent", "differentdatacent", "wrongdatacent"];

    fn parse(value: Option<&Value>) -> Self {
        let text = match value {
            None | Some(Value::Null) => return Self::None,
            Some(Value::String(text)) if text.trim().is_empty() => return Self::None,
            Some(Value::String(text)) => text.to_lowercase(),
            Some(other) => other.to_string().to_lowercase(),
        };
        let text: String = text.chars().filter(|character| character.is_alphanumeric()).collect();
        if Self::PROXIED.iter().any(|part| text.contains(part)) { Self::Proxied } else { Self::General }
    }
}

impl fmt::Debug for ApiResponse {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ApiResponse").field("notice", &self.notice).finish_non_exhaustive()
    }
}

/// Parses a response of the API.
///
/// # Errors
/// [`ApiError::Response`] for an HTTP status from 400 on, for one in `meta.httpStatus`, and for a `meta.error`;
/// [`ApiError::Redirect`] and [`ApiError::Malformed`]. A success without an envelope is the response of a proxy or a firewall, and so an
/// [`ApiError::Response`] that is not in the envelope.
pub fn parse(response: &Response, now_s: u64) -> Result<ApiResponse, ApiError> {
    let status = response.head.status;
    let body = json::parse(&response.body);
    if status >= 400 {
        return Err(rejection(&response.head, &response.body, body.as_ref(), now_s));
    }
    if status >= 300 {
        return Err(ApiError::Redirect(status));
    }
    if is_foreign(response, body.as_ref()) {
        return Err(foreign(&response.head, now_s));
    }
    let Some(Value::Object(mut body)) = body.filter(|_| status >= 200) else { return Err(ApiError::Malformed) };
    let meta = body.get("meta");
    let meta_status = meta.and_then(status_in_meta);
    let has_error = meta.is_some_and(|meta| first_of(meta, &["error", "internalErrorCode", "errorMessage"]).is_some());
    if has_error || meta_status.is_some_and(|status| status >= 400) {
        // One half reports success and the other failure: that proves neither.
        if body.get("result").and_then(Value::as_object).is_some_and(|result| !result.is_empty()) {
            return Err(ApiError::Malformed);
        }
        // An error without a status proves as little as a 500.
        let status = meta_status.filter(|status| *status >= 400).unwrap_or(500);
        return Err(ApiError::Response(error_response(&response.head, status, Some(&Value::Object(body)), now_s)));
    }
    let notice = Notice::parse(meta.and_then(|meta| meta.get("notice")));
    Ok(ApiResponse { result: body.remove("result").unwrap_or_default(), notice })
}

/// The error of a response with an error status, given its body, and as JSON if it is any.
#[must_use]
pub fn rejection(head: &ResponseHead, body: &[u8], parsed: Option<&Value>, now_s: u64) -> ApiError {
    let response = error_response(head, head.status, parsed, now_s);
    let text = text_start(body);
    let is_blank = text.is_empty() || (parsed.is_none() && text.starts_with(b"{"));
    let form = match response.form {
        ErrorForm::Foreign if is_blank => ErrorForm::Blank,
        form => form,
    };
    ApiError::Response(ErrorResponse { form, ..response })
}

/// An error response, without its text. Its code is that of Qualtrics' envelope: a code outside of it is a proxy's.
#[must_use]
pub fn error_response(head: &ResponseHead, status: u16, body: Option<&Value>, now_s: u64) -> ErrorResponse {
    let meta = body.and_then(|body| body.get("meta"));
    let codes = [
        meta.and_then(|meta| meta.get("error")?.get("errorCode")),
        meta.and_then(|meta| meta.get("internalErrorCode")),
    ];
    let code = codes.into_iter().flatten().find_map(Value::as_str).and_then(sanitize::code);
    let request_id = meta.and_then(|meta| meta.get("requestId")?.as_str()).and_then(sanitize::request_id);
    // One client looks for the delay in the body as well: unconfirmed (fact sheet 3.3).
    let delay_s = meta.and_then(|meta| meta.get("error")?.get("retryAfter")).and_then(count);
    let delay_ms = delay_s.map(|seconds| clamp_delay_ms(seconds.saturating_mul(1_000)));
    ErrorResponse {
        status,
        code,
        request_id,
        retry_after_ms: retry_after_ms(head, now_s).or(delay_ms),
        form: match meta {
            _ if head.status != status => ErrorForm::BehindSuccess,
            Some(meta) if is_error_envelope(meta) && body.is_some_and(contradicts_itself) => ErrorForm::Contradictory,
            Some(meta) if is_error_envelope(meta) => ErrorForm::Envelope,
            _ => ErrorForm::Foreign,
        },
    }
}

/// The error of a success that Qualtrics did not send.
#[must_use]
pub fn foreign(head: &ResponseHead, now_s: u64) -> ApiError {
    ApiError::Response(error_response(head, head.status, None, now_s))
}

/// Whether something other than Qualtrics sent a success, given its body as JSON if it is any: a web page or other text, or an object
/// that has neither member of the envelope. Anything else may be a damaged response of Qualtrics.
fn is_foreign(response: &Response, body: Option<&Value>) -> bool {
    if let Some(body) = body {
        return body.as_object().is_some_and(|body| !body.contains_key("result") && !body.contains_key("meta"));
    }
    let text = text_start(&response.body);
    let is_json = |media_type: String| media_type.contains("json");
    let may_be_json = response.head.media_type().map_or(text.starts_with(b"{"), is_json);
    is_web_page(&response.head, text) || text.starts_with(b"<") || (!may_be_json && !text.is_empty())
}

/// Whether one half of an error response reports something other than a rejection.
fn contradicts_itself(body: &Value) -> bool {
    let is_empty = |result: &Value| result.is_null() || result.as_object().is_some_and(serde_json::Map::is_empty);
    let has_result = body.get("result").is_some_and(|result| !is_empty(result));
    let status = body.get("meta").and_then(status_in_meta);
    has_result || status.is_some_and(|status| !is_rejection_status(status))
}

/// Whether `meta` is that of an error in Qualtrics' envelope, in its present or its old form (fact sheet 3.1).
fn is_error_envelope(meta: &Value) -> bool {
    let has_error = meta.get("error").is_some_and(Value::is_object);
    let has_old_error = meta.get("internalErrorCode").is_some() || meta.get("errorMessage").is_some();
    has_error || has_old_error || status_in_meta(meta).is_some_and(|status| status >= 400)
}

/// The status in `meta.httpStatus`: `"404 - Not Found"`, `"404"` or a number.
fn status_in_meta(meta: &Value) -> Option<u16> {
    match meta.get("httpStatus")? {
        Value::String(text) => text.get(..3)?.parse().ok(),
        other => u16::try_from(other.as_u64()?).ok(),
    }
}

/// An opaque ID: text, or a whole number that is not negative. `None` for text that [cannot be an ID](is_id), and for `null` in a string.
#[must_use]
pub fn id(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let is_plausible = is_id(&text) && (value.is_string() || text.bytes().all(|byte| byte.is_ascii_digit()));
    (is_plausible && !text.eq_ignore_ascii_case("null")).then_some(text)
}

/// Whether a text can be an ID that is part of a path: neither blank, nor longer than an ID, nor with control characters or a character
/// that was lost. `.` and `..` name another path, also percent-encoded (RFC 3986, section 6.2.2.3).
#[must_use]
pub fn is_id(text: &str) -> bool {
    let is_lost = |character: char| character.is_control() || character == char::REPLACEMENT_CHARACTER;
    (1..=MAX_ID_BYTES).contains(&text.len()) && !text.chars().any(is_lost) && !matches!(text, "." | "..")
}

/// The elements of a list's `result`, or `result` itself if it is a list.
///
/// # Errors
/// [`ApiError::Malformed`] if there is no list: that is not an empty list.
pub fn elements(result: &Value) -> Result<&[Value], ApiError> {
    result.get("elements").unwrap_or(result).as_array().map(Vec::as_slice).ok_or(ApiError::Malformed)
}

/// The elements of a list's `result`, by value.
///
/// # Errors
/// As for [`elements`].
pub fn into_elements(result: Value) -> Result<Vec<Value>, ApiError> {
    let list = match result {
        Value::Object(mut result) => result.remove("elements").unwrap_or_default(),
        other => other,
    };
    if let Value::Array(elements) = list { Ok(elements) } else { Err(ApiError::Malformed) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse_body(status: u16, body: &str) -> Result<ApiResponse, ApiError> {
        parse_typed(status, "application/json", body.as_bytes())
    }

    fn parse_typed(status: u16, media_type: &str, body: &[u8]) -> Result<ApiResponse, ApiError> {
        let head = ResponseHead { status, headers: vec![("content-type".to_owned(), media_type.to_owned())] };
        parse(&Response { head, body: body.to_vec() }, 0)
    }

    fn error_status(status: u16, body: &str) -> Option<u16> {
        parse_body(status, body).err().and_then(|error| error.status())
    }

    #[test]
    fn an_error_behind_a_200_is_an_error() {
        assert_eq!(error_status(200, r#"{"meta":{"httpStatus":"404 - Not Found"}}"#), Some(404));
        assert_eq!(error_status(200, r#"{"meta":{"httpStatus":"404"}}"#), Some(404));
        assert_eq!(error_status(200, r#"{"meta":{"httpStatus":403,"error":{"errorCode":"AuthZ_2.0"}}}"#), Some(403));
        assert_eq!(error_status(200, r#"{"meta":{"error":{"errorCode":"X_1"}}}"#), Some(500));
        assert_eq!(error_status(200, r#"{"meta":{"internalErrorCode":"GS_5"},"result":null}"#), Some(500));
    }

    #[test]
    fn a_result_beside_an_error_proves_nothing() {
        for meta in [r#"{"httpStatus":"429"}"#, r#"{"error":{"errorCode":"X_1"}}"#] {
            let body = format!(r#"{{"result":{{"requestId":"OP-1"}},"meta":{meta}}}"#);
            assert_eq!(parse_body(200, &body), Err(ApiError::Malformed));
        }
    }

    #[test]
    fn a_successful_response_needs_only_one_member_of_the_envelope() {
        assert!(
            parse_body(200, r#"{"meta":{"httpStatus":"200 - OK"}}"#).is_ok_and(|response| response.result.is_null())
        );
        assert!(parse_body(202, r#"{"result":{}}"#).is_ok());
    }

    #[test]
    fn a_lone_surrogate_does_not_make_a_response_malformed() {
        let response =
            parse_body(200, r#"{"result":{"elements":[{"firstName":"Zo\ud83d","email":"zo@example.org"}]}}"#);
        let response = response.expect("a response");
        assert_eq!(elements(&response.result).expect("a list")[0]["email"], "zo@example.org");
    }

    #[test]
    fn everything_but_a_json_object_is_malformed() {
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        for body in ["", "[]", "1", "null", "{", "{\"result\":", deep.as_str()] {
            assert_eq!(parse_body(200, body), Err(ApiError::Malformed));
        }
    }

    #[test]
    fn a_success_of_something_other_than_qualtrics_is_an_error_that_proves_nothing() {
        for (media_type, body) in [
            ("text/html", &b"\n<html>Sign in</html>"[..]),
            ("application/json", b"\xEF\xBB\xBF <!DOCTYPE html>"),
            ("Text/HTML; charset=utf-8", b"Please sign in"),
            ("text/html", b""),
            ("text/plain", b"Access denied"),
            ("application/xml", b"<Error><Code>AccessDenied</Code></Error>"),
            ("application/json", b"<Error/>"),
            ("application/json", br#"{"message":"Forbidden"}"#),
            ("application/json", br#"{"error":"invalid_client"}"#),
            ("application/json", b"{}"),
        ] {
            let error = parse_typed(200, media_type, body).expect_err("no response of Qualtrics");
            assert!(error.is_from_proxy(), "{media_type} {error:?}");
            assert!(!error.is_provably_not_started());
        }
    }

    #[test]
    fn a_damaged_response_is_not_a_proxys() {
        for (media_type, body) in [
            ("application/json", &br#"{"result":{"requestId":"OP-"#[..]),
            ("application/json; charset=utf-8", b"{\"result\":\"\xFF\"}"),
            ("Application/Problem+JSON", b"nul"),
            ("application/json", b""),
            ("text/plain", b""),
            ("application/json", b"[]"),
        ] {
            assert_eq!(parse_typed(200, media_type, body), Err(ApiError::Malformed), "{media_type}");
        }
        assert!(parse_typed(200, "text/html", br#"{"result":{}}"#).is_ok(), "the envelope decides");
    }

    #[test]
    fn a_code_outside_of_the_envelope_is_not_qualtrics() {
        for body in [r#"{"error":"denied_by_firewall"}"#, r#"{"error":"E_1","meta":{}}"#] {
            let Err(ApiError::Response(response)) = parse_body(403, body) else { panic!("an error response") };
            assert_eq!((response.code, response.form), (None, ErrorForm::Foreign), "{body}");
        }
    }

    #[test]
    fn an_error_code_is_found_in_both_envelopes_and_the_text_is_dropped() {
        for body in [
            r#"{"meta":{"error":{"errorCode":"E_1","errorMessage":"ada@example.org"}}}"#,
            r#"{"meta":{"internalErrorCode":"E_1","errorMessage":"ada@example.org"}}"#,
        ] {
            let Err(ApiError::Response(response)) = parse_body(400, body) else { panic!("an error response") };
            assert_eq!(response.code.as_deref(), Some("E_1"));
            assert!(!format!("{response:?}").contains("ada"));
        }
    }

    #[test]
    fn a_delay_in_the_body_is_at_least_a_second() {
        let delay = |body: &str| match parse_body(429, body) {
            Err(ApiError::Response(response)) => response.retry_after_ms,
            _ => None,
        };
        assert_eq!(delay(r#"{"meta":{"error":{"retryAfter":7}}}"#), Some(7_000));
        assert_eq!(delay(r#"{"meta":{"error":{"retryAfter":"0"}}}"#), Some(1_000));
        assert_eq!(delay(r#"{"meta":{"error":{}}}"#), None);
    }

    #[test]
    fn a_notice_is_judged_by_its_content() {
        let notice = |notice: Value| {
            parse_body(200, &json!({"meta": {"notice": notice}}).to_string()).map(|response| response.notice)
        };
        for text in [
            "Request proxied. For faster response times, use this host instead: fra1.qualtrics.com",
            "REQUEST PROXIED",
            "Your brand is in another data center.",
            "This is the wrong datacenter",
            "For faster responses, use this host: lhr1.qualtrics.com",
        ] {
            assert_eq!(notice(json!(text)), Ok(Notice::Proxied), "{text}");
        }
        for general in [
            json!("Your client certificate expires in 30 days."),
            json!("Maintenance of the data center on Sunday"),
            json!("Renew the certificate of your proxy"),
            json!(["client certificate expires"]),
            json!({"message": "certificate"}),
            json!(7),
        ] {
            assert_eq!(notice(general.clone()), Ok(Notice::General), "{general}");
        }
        for none in [json!(""), json!(" "), json!(null)] {
            assert_eq!(notice(none.clone()), Ok(Notice::None), "{none}");
        }
    }

    #[test]
    fn ids_are_text_or_numbers() {
        assert_eq!(id(&json!(" OP-1 ")).as_deref(), Some("OP-1"));
        assert_eq!(id(&json!(7)).as_deref(), Some("7"));
        assert_eq!(id(&json!("../a b?c#d%2F")).as_deref(), Some("../a b?c#d%2F"), "it is encoded in paths");
        for value in [
            json!(""),
            json!(" "),
            json!("null"),
            json!(null),
            json!("a\nb"),
            json!("x".repeat(129)),
            json!([]),
            json!({}),
            json!(true),
            json!(-1),
            json!(1.5),
            json!("."),
            json!(" .. "),
            json!("OP-\u{FFFD}"),
        ] {
            assert_eq!(id(&value), None, "{value}");
        }
    }
}
