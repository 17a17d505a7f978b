//! Qualtrics' response envelope: `{"result": …, "meta": …}` (fact sheet 3.1, 3.2).

use std::fmt;

use serde_json::Value;

use super::error::{ApiError, ErrorForm, ErrorResponse, is_rejection_status};
use super::sanitize;
use crate::http::retry::{clamp_delay_ms, retry_after_ms};
use crate::http::{Response, ResponseHead, json};

pub use crate::http::json::{count, first_of};

/// The longest ID that is accepted, in bytes: far longer than any of Qualtrics'.
const MAX_ID_BYTES: usize = 128;

/// A successful response. `Debug` does not show the result, which may hold personal data.
#[derive(Clone, PartialEq)]
pub struct ApiResponse {
    /// `result`; `null` if there is none.
    pub result: Value,
    /// Whether another data centre proxied the request, according to `meta.notice` (fact sheet 1).
    pub proxied: bool,
}

impl fmt::Debug for ApiResponse {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ApiResponse").field("proxied", &self.proxied).finish_non_exhaustive()
    }
}

/// Parses a response of the API.
///
/// # Errors
/// [`ApiError::Response`] for an HTTP status from 400 on, for one in `meta.httpStatus`, and for a `meta.error`;
/// [`ApiError::Redirect`] and [`ApiError::Malformed`]. A web page, whatever its status, is the response of a proxy or a firewall, and so
/// an [`ApiError::Response`] that is not in the envelope.
pub fn parse(response: &Response, now_s: u64) -> Result<ApiResponse, ApiError> {
    let status = response.head.status;
    let body = json::parse(&response.body);
    if status >= 400 {
        return Err(ApiError::Response(error_response(&response.head, status, body.as_ref(), now_s)));
    }
    if status >= 300 {
        return Err(ApiError::Redirect(status));
    }
    if is_web_page(response) {
        return Err(ApiError::Response(error_response(&response.head, status, None, now_s)));
    }
    let Some(Value::Object(mut body)) = body.filter(|_| status >= 200) else { return Err(ApiError::Malformed) };
    let meta = body.get("meta");
    let meta_status = meta.and_then(status_in_meta);
    let has_error = meta.and_then(|meta| meta.get("error")).is_some_and(|error| !error.is_null());
    if has_error || meta_status.is_some_and(|status| status >= 400) {
        // One half reports success and the other failure: that proves neither.
        if body.get("result").and_then(Value::as_object).is_some_and(|result| !result.is_empty()) {
            return Err(ApiError::Malformed);
        }
        // An error without a status proves as little as a 500.
        let status = meta_status.filter(|status| *status >= 400).unwrap_or(500);
        return Err(ApiError::Response(error_response(&response.head, status, Some(&Value::Object(body)), now_s)));
    }
    let proxied = meta.and_then(|meta| meta.get("notice")?.as_str()).is_some_and(is_proxy_notice);
    Ok(ApiResponse { result: body.remove("result").unwrap_or_default(), proxied })
}

/// An error response, without its text.
#[must_use]
pub fn error_response(head: &ResponseHead, status: u16, body: Option<&Value>, now_s: u64) -> ErrorResponse {
    let meta = body.and_then(|body| body.get("meta"));
    let codes = [
        meta.and_then(|meta| meta.get("error")?.get("errorCode")),
        meta.and_then(|meta| meta.get("internalErrorCode")),
        // RFC 6749, section 5.2. Whether Qualtrics' token endpoint follows it is unconfirmed (fact sheet 2).
        body.and_then(|body| body.get("error")),
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

/// Whether a body is a web page, such as the login page of a proxy.
#[must_use]
pub fn is_web_page(response: &Response) -> bool {
    response.body.trim_ascii_start().starts_with(b"<")
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

/// Whether a notice is about a proxied request. Others are general information (fact sheet 13).
fn is_proxy_notice(notice: &str) -> bool {
    notice.to_ascii_lowercase().contains("proxied")
}

/// An opaque ID: text, or a number. `None` for blank text, for `null` in a string, and for anything longer than an ID.
#[must_use]
pub fn id(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let is_plausible = !text.is_empty() && text.len() <= MAX_ID_BYTES && !text.chars().any(char::is_control);
    (is_plausible && !text.eq_ignore_ascii_case("null")).then_some(text)
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
        let head = ResponseHead { status, headers: Vec::new() };
        parse(&Response { head, body: body.as_bytes().to_vec() }, 0)
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
    }

    #[test]
    fn a_result_beside_an_error_proves_nothing() {
        for meta in [r#"{"httpStatus":"429"}"#, r#"{"error":{"errorCode":"X_1"}}"#] {
            let body = format!(r#"{{"result":{{"requestId":"OP-1"}},"meta":{meta}}}"#);
            assert_eq!(parse_body(200, &body), Err(ApiError::Malformed));
        }
    }

    #[test]
    fn a_successful_response_needs_neither_result_nor_meta() {
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
    fn everything_but_an_envelope_is_malformed() {
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        for body in ["", "[]", "1", "null", "{", "{\"result\":", deep.as_str()] {
            assert_eq!(parse_body(200, body), Err(ApiError::Malformed));
        }
    }

    #[test]
    fn a_web_page_with_a_success_status_is_an_error_that_proves_nothing() {
        let Err(error) = parse_body(200, "\n<html>Sign in</html>") else { panic!("an error") };
        assert!(matches!(&error, ApiError::Response(response) if response.form == ErrorForm::Foreign));
        assert!(!error.is_provably_not_started());
    }

    #[test]
    fn an_error_code_is_found_in_every_place_and_the_text_is_dropped() {
        for body in [
            r#"{"meta":{"error":{"errorCode":"E_1","errorMessage":"ada@example.org"}}}"#,
            r#"{"meta":{"internalErrorCode":"E_1","errorMessage":"ada@example.org"}}"#,
            r#"{"error":"E_1","error_description":"ada@example.org"}"#,
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
    fn only_a_notice_about_a_proxied_request_counts_as_proxied() {
        let proxied = |notice: &str| {
            parse_body(200, &json!({"meta": {"notice": notice}}).to_string()).is_ok_and(|response| response.proxied)
        };
        assert!(proxied("Request proxied. For faster response times, use this host instead: fra1.qualtrics.com"));
        assert!(!proxied("Your client certificate expires in 30 days."));
        assert!(!proxied(""));
    }

    #[test]
    fn ids_are_text_or_numbers() {
        assert_eq!(id(&json!(" OP-1 ")).as_deref(), Some("OP-1"));
        assert_eq!(id(&json!(7)).as_deref(), Some("7"));
        for value in
            [json!(""), json!(" "), json!("null"), json!(null), json!("a\nb"), json!("x".repeat(129)), json!([])]
        {
            assert_eq!(id(&value), None, "{value}");
        }
    }
}
