//! The parameters of a call, in its body.
//!
//! An unknown or repeated member is an error: a misspelled `mode` must not count as a missing one. Errors have the position and what was
//! expected there. They do not repeat any part of the body.

use privacy_contract::{DeletionMode, Request, Right, Task};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::http::{Body, Head};
use crate::problem::Details;

/// The maximum size of a body, in bytes.
pub const MAX_BYTES: usize = 1024 * 1024;

/// The parameters of `check`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// `rights`.
    pub rights: Vec<Right>,
}

/// The parameters of `access` and `opt-out`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// `requests`.
    pub requests: Vec<Request>,
}

/// The parameters of `delete`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delete {
    /// `requests`.
    pub requests: Vec<Request>,
    /// `mode`.
    pub mode: DeletionMode,
}

/// The parameters of `poll`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Poll {
    /// `tasks`.
    pub tasks: Vec<Task>,
}

/// Reads a body and parses it as the parameters of a call.
///
/// # Errors
/// 415, 413, 408 and 400.
pub fn parse<T: DeserializeOwned>(head: &Head, body: &mut impl Body) -> Result<T, Details> {
    if !is_json(head) {
        return Err(Details::unsupported_media_type());
    }
    let announced = head.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut text = Vec::new();
    loop {
        if announced.max(text.len()) > MAX_BYTES {
            return Err(Details::too_large());
        }
        let bytes = body.read().map_err(|_| Details::interrupted())?;
        if bytes.is_empty() {
            break;
        }
        text.extend_from_slice(&bytes);
    }
    // Derived deserializers accept an array in place of an object.
    if text.trim_ascii_start().first() != Some(&b'{') {
        return Err(Details::malformed("The body must be a JSON object."));
    }
    serde_json::from_slice(&text).map_err(|error| Details::malformed(reason(&error)))
}

fn is_json(head: &Head) -> bool {
    let media_type = head.header("content-type").and_then(|value| value.split(';').next()).unwrap_or_default();
    media_type.trim().eq_ignore_ascii_case("application/json") && !head.has("content-encoding")
}

/// The position and reason of a parse error, without the parts of the body that `serde_json` repeats.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text);
    let reason = if !error.is_data() {
        "this is not JSON"
    } else if text.starts_with("missing field ") || text.starts_with("duplicate field ") {
        text
    } else {
        // The message ends with what was expected, which is text of this crate. What was found comes before it.
        text.rfind("expected ").and_then(|at| text.get(at..)).unwrap_or("this value is not valid here")
    };
    format!("The body, line {}, column {}: {reason}.", error.line(), error.column())
}
