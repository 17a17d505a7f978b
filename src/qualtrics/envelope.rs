//! Qualtrics' answers: `{"result": …, "meta": …}`, and the ways in which a call can fail (fact sheet 3.1, 3.2).

use super::{oauth::Scopes, word};
use crate::digits;
use crate::http::{
    Failure, Head, Response,
    retry::{LONGEST_MS, retry_after_ms},
};
use crate::json::Json;
use crate::prelude::*;

/// A good answer.
pub struct Answer {
    /// `result`; `null` where there is none.
    pub result: Json,
    /// Whether the answer came by way of another data centre (`meta.notice`, fact sheet 1).
    pub proxied: bool,
}

/// Why there is no good answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Trouble {
    /// The exchange failed.
    NoAnswer(Failure),
    /// Qualtrics answered with an error.
    Refused(Refusal),
    /// Qualtrics, or something before it, answered with a redirect. It is never followed.
    Redirected(u16),
    /// The answer is not what Qualtrics answers: not JSON, or without what it must hold.
    Unreadable,
    /// This connection's own share of a rate limit is used up for so many milliseconds. Nothing was sent.
    OwnShare(u64),
    /// The time of this call is used up. Nothing was sent.
    OutOfTime,
    /// The OAuth client lacks these scopes. Nothing but the sign-in was sent.
    MissingScopes(Scopes),
    /// Qualtrics does not accept client id and secret.
    SignIn(Refusal),
}

/// An answer with an error, less its text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// The status that counts: HTTP's, or the one in `meta.httpStatus` where an error hides behind a 200.
    pub status: u16,
    /// Qualtrics' error code.
    pub code: Option<String>,
    /// `meta.requestId`.
    pub request_id: Option<String>,
    /// `Retry-After`, in milliseconds.
    pub retry_after_ms: Option<u64>,
    /// Whether the response is in Qualtrics' envelope and the status is HTTP's own. Proxies and gateways write neither.
    pub is_in_envelope: bool,
}

impl Refusal {
    /// Whether Qualtrics itself rejected the request, or throttled it: then it did not process it.
    ///
    /// 429 counts in any form, because hosts answer 429 for Qualtrics. Every other status counts only in Qualtrics' envelope, and
    /// 408, 409, 425 and 5xx never count: they may follow after Qualtrics has accepted the request.
    const fn is_rejection(&self) -> bool {
        match self.status {
            429 => true,
            400 | 401 | 403 | 404 | 413 | 415 | 422 => self.is_in_envelope,
            _ => false,
        }
    }
}

impl Trouble {
    /// The status of a refusal of what was asked; none of a sign-in's, which says nothing of that.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        match self {
            Self::Refused(refusal) => Some(refusal.status),
            Self::Redirected(status) => Some(*status),
            _ => None,
        }
    }

    /// Whether it may be over soon, without anyone's doing: the same call can succeed later.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        match self {
            Self::NoAnswer(failure) => !matches!(
                failure.cause,
                crate::http::Cause::Denied | crate::http::Cause::TooLarge | crate::http::Cause::Refused
            ),
            Self::Refused(refusal) => matches!(refusal.status, 408 | 409 | 425 | 429 | 500..),
            Self::OwnShare(_) | Self::OutOfTime | Self::Unreadable => true,
            Self::Redirected(_) | Self::MissingScopes(_) | Self::SignIn(_) => false,
        }
    }

    /// Whether it is the answer to what was asked for, and to nothing else: other calls may fare better.
    #[must_use]
    pub const fn is_of_one(&self) -> bool {
        match self {
            Self::Refused(refusal) => !matches!(refusal.status, 401 | 429),
            Self::Unreadable => true,
            _ => false,
        }
    }

    /// Whether it is proved that the request did not start a job.
    ///
    /// Only a failure before sending, a rejection in Qualtrics' own envelope and a 429 prove that. Everything else may come after
    /// Qualtrics has accepted the request: time-outs, resets, redirects, 5xx, and the responses of proxies.
    #[must_use]
    pub const fn began_nothing(&self) -> bool {
        match self {
            Self::NoAnswer(failure) => failure.began_nothing,
            Self::Refused(refusal) => refusal.is_rejection(),
            Self::Unreadable | Self::Redirected(_) => false,
            Self::OwnShare(_) | Self::OutOfTime | Self::MissingScopes(_) | Self::SignIn(_) => true,
        }
    }
}

/// Reads an answer of the API.
///
/// # Errors
/// [`Trouble::Refused`] for an HTTP status from 400, for one in `meta.httpStatus`, and for a `meta.error`;
/// [`Trouble::Redirected`] and [`Trouble::Unreadable`].
pub fn read(response: &Response, now_s: u64) -> Result<Answer, Trouble> {
    let status = response.head.status;
    let body: Option<Json> = Json::read(&response.body);
    if status >= 400 {
        return Err(Trouble::Refused(refusal(&response.head, status, body.as_ref(), now_s)));
    }
    if status >= 300 {
        return Err(Trouble::Redirected(status));
    }
    let Some(Json::Object(mut body)) = body.filter(|_| status >= 200) else { return Err(Trouble::Unreadable) };
    let meta = body.get("meta");
    let told = meta.and_then(told_status);
    let error = meta.and_then(|meta| meta.get("error"));
    if told.is_some_and(|told| told >= 400) || error.is_some_and(|error| !error.is_null()) {
        // Done, says one half, and refused the other: that is no proof of either.
        if body.get("result").and_then(Json::as_object).is_some_and(|result| !result.is_empty()) {
            return Err(Trouble::Unreadable);
        }
        // An error without a status proves as little as a 500.
        let status = told.filter(|told| *told >= 400).unwrap_or(500);
        return Err(Trouble::Refused(refusal(&response.head, status, Some(&Json::Object(body)), now_s)));
    }
    let notice = meta.and_then(|meta| meta.get("notice")?.as_str());
    let proxied = notice.is_some_and(|notice| !notice.trim().is_empty());
    Ok(Answer { result: body.take("result").unwrap_or_default(), proxied })
}

/// What an answer with an error tells, less its text.
#[must_use]
pub fn refusal(head: &Head, status: u16, body: Option<&Json>, now_s: u64) -> Refusal {
    let meta = body.and_then(|body| body.get("meta"));
    let codes = [
        meta.and_then(|meta| meta.get("error")).and_then(|error| error.get("errorCode")),
        meta.and_then(|meta| meta.get("internalErrorCode")),
        // RFC 6749, section 5.2; whether Qualtrics keeps to it is unconfirmed (fact sheet 2).
        body.and_then(|body| body.get("error")),
    ];
    let code = codes.into_iter().flatten().find_map(Json::as_str).and_then(word::code);
    let id = meta.and_then(|meta| meta.get("requestId")).and_then(Json::as_str);
    // In the body one client looks for it, too: unconfirmed (fact sheet 3.3).
    let wait_s = meta.and_then(|meta| meta.get("error")?.get("retryAfter"));
    let wait_ms = wait_s.and_then(Json::as_count).map(|seconds| seconds.saturating_mul(1_000).min(LONGEST_MS));
    Refusal {
        status,
        code,
        request_id: id.and_then(word::request_id),
        retry_after_ms: retry_after_ms(head, now_s).or(wait_ms),
        is_in_envelope: head.status == status && meta.is_some_and(is_error_envelope),
    }
}

/// Whether `meta` is that of an error in Qualtrics' envelope, in today's or the old form (fact sheet 3.1).
fn is_error_envelope(meta: &Json) -> bool {
    let error = meta.get("error").is_some_and(|error| error.as_object().is_some());
    let old = meta.get("internalErrorCode").is_some() || meta.get("errorMessage").is_some();
    error || old || told_status(meta).is_some_and(|told| told >= 400)
}

/// The status in `meta.httpStatus`: `"404 - Not Found"`, `"404"`, or a number.
fn told_status(meta: &Json) -> Option<u16> {
    match meta.get("httpStatus")? {
        Json::Text(text) => digits::number(text.as_bytes().get(..3)?),
        other => other.as_u64(),
    }
    .and_then(|status| u16::try_from(status).ok())
}

/// A member of an object under the first of several spellings that is there and not `null`.
#[must_use]
pub fn member<'a>(value: &'a Json, spellings: &[&str]) -> Option<&'a Json> {
    spellings.iter().find_map(|name| value.get(name).filter(|member| !member.is_null()))
}

/// An opaque id: text, or a number written out. Blank ids, and what is longer than any id of Qualtrics', are none.
#[must_use]
pub fn id(value: &Json) -> Option<&str> {
    match value {
        Json::Text(text) | Json::Number(text) => as_id(text),
        _ => None,
    }
}

/// A text as an opaque id, trimmed; none if it cannot be one, as [`id`] says.
#[must_use]
pub fn as_id(text: &str) -> Option<&str> {
    let text = text.trim();
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic());
    let sane = !text.is_empty() && text.len() <= 128 && (plain || !text.chars().any(char::is_control));
    (sane && !text.eq_ignore_ascii_case("null")).then_some(text)
}

/// The elements of a list's `result`; the list itself where `result` is one.
///
/// # Errors
/// [`Trouble::Unreadable`] if there is no list: nothing listed is not the same as an empty list.
pub fn elements(result: &Json) -> Result<&[Json], Trouble> {
    result.get("elements").unwrap_or(result).as_list().ok_or(Trouble::Unreadable)
}

/// The elements themselves.
///
/// # Errors
/// As [`elements`].
pub fn into_elements(result: Json) -> Result<Vec<Json>, Trouble> {
    let list = match result {
        Json::Object(mut result) => result.take("elements").ok_or(Trouble::Unreadable)?,
        other => other,
    };
    if let Json::List(elements) = list { Ok(elements) } else { Err(Trouble::Unreadable) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Result<Answer, Trouble> {
        read(&Response { head: Head { status, headers: Vec::new() }, body: body.as_bytes().to_vec() }, 0)
    }

    fn status(status: u16, body: &str) -> Option<u16> {
        answer(status, body).err().and_then(|trouble| trouble.status())
    }

    #[test]
    fn an_error_behind_a_200_is_an_error() {
        assert_eq!(status(200, r#"{"meta":{"httpStatus":"404 - Not Found"}}"#), Some(404));
        assert_eq!(status(200, r#"{"meta":{"httpStatus":"404"}}"#), Some(404));
        assert_eq!(status(200, r#"{"meta":{"httpStatus":403,"error":{"errorCode":"AuthZ_2.0"}}}"#), Some(403));
        assert_eq!(status(200, r#"{"meta":{"error":{"errorCode":"X_1"}}}"#), Some(500));
    }

    #[test]
    fn a_result_beside_an_error_proves_nothing() {
        for meta in [r#"{"httpStatus":"429"}"#, r#"{"error":{"errorCode":"X_1"}}"#] {
            let body = [r#"{"result":{"requestId":"OP-1"},"meta":"#, meta, "}"].concat();
            assert_eq!(answer(200, &body).err(), Some(Trouble::Unreadable));
        }
    }

    #[test]
    fn a_good_answer_needs_neither_result_nor_meta() {
        assert!(answer(200, r#"{"meta":{"httpStatus":"200 - OK"}}"#).is_ok_and(|answer| answer.result.is_null()));
        assert!(answer(202, r#"{"result":{}}"#).is_ok());
    }

    #[test]
    fn what_is_not_an_envelope_is_unreadable() {
        let deep = ["[".repeat(10_000), "]".repeat(10_000)].concat();
        for body in ["", "<html>", "[]", "1", "null", "{", "{\"result\":", deep.as_str()] {
            assert_eq!(answer(200, body).err(), Some(Trouble::Unreadable));
        }
    }

    #[test]
    fn a_code_is_read_in_all_three_places_and_its_text_in_none() {
        for body in [
            r#"{"meta":{"error":{"errorCode":"E_1","errorMessage":"ada@example.org"}}}"#,
            r#"{"meta":{"internalErrorCode":"E_1","errorMessage":"ada@example.org"}}"#,
            r#"{"error":"E_1","error_description":"ada@example.org"}"#,
        ] {
            let Some(Trouble::Refused(refusal)) = answer(400, body).err() else { panic!("refused") };
            assert_eq!(refusal.code.as_deref(), Some("E_1"));
            assert!(!format!("{refusal:?}").contains("ada"));
        }
    }

    #[test]
    fn only_rejections_in_the_envelope_and_429_prove_that_nothing_was_started() {
        let envelopes = |status: u16| {
            [
                format!(r#"{{"meta":{{"httpStatus":"{status} - X","error":{{"errorCode":"E_1"}}}}}}"#),
                r#"{"meta":{"status":"Error","internalErrorCode":"GS_5"},"result":null}"#.to_owned(),
            ]
        };
        let foreign = ["", "<html>", "upstream connect error", "{}", r#"{"error":"invalid_request"}"#, r#"{"meta":{}}"#];
        for status in (100..=599).filter(|status| !(200..300).contains(status)) {
            let rejections = [400, 401, 403, 404, 413, 415, 422, 429];
            for body in envelopes(status) {
                let proved = answer(status, &body).err().is_some_and(|error| error.began_nothing());
                assert_eq!(proved, rejections.contains(&status), "{status} {body}");
            }
            for body in foreign {
                let proved = answer(status, body).err().is_some_and(|error| error.began_nothing());
                assert_eq!(proved, status == 429, "{status} {body}");
            }
        }
        for told in [400, 404, 429, 503] {
            let body = format!(r#"{{"meta":{{"httpStatus":"{told}"}}}}"#);
            assert!(answer(200, &body).err().is_some_and(|error| !error.began_nothing()), "{told} behind a 200");
        }
        assert!(!Trouble::Unreadable.began_nothing());
        assert!(!Trouble::Redirected(307).began_nothing());
    }
}
