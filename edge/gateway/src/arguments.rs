//! The arguments of a call, in its body.
//!
//! An unknown or repeated member is an error: a misspelled `mode` must not count as a missing one. Errors have the position and what was
//! expected there. They do not repeat any part of the body.

use privacy_contract::{DeletionMode, Request, Right, Task};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::http::Head;
use crate::problem::Details;

/// The maximum size of a body, in bytes.
pub const MAX_BYTES: usize = 1024 * 1024;

/// The arguments of `check`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// `rights`.
    pub rights: Vec<Right>,
}

/// The arguments of `access` and `opt-out`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// `requests`.
    pub requests: Vec<Request>,
}

/// The arguments of `delete`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delete {
    /// `requests`.
    pub requests: Vec<Request>,
    /// `mode`.
    pub mode: DeletionMode,
}

/// The arguments of `poll`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Poll {
    /// `tasks`.
    pub tasks: Vec<Task>,
}

/// The body of a request, as far as it was received.
pub struct Arguments {
    announced: usize,
    text: Vec<u8>,
    is_complete: bool,
}

impl Arguments {
    /// Those of a route without any.
    #[must_use]
    pub const fn none() -> Self {
        Self { announced: 0, text: Vec::new(), is_complete: true }
    }

    /// Those that a request announces. Nothing of them was received.
    ///
    /// # Errors
    /// 415 and 413.
    pub fn announced(head: &Head) -> Result<Self, Details> {
        if !is_json(head) {
            return Err(Details::unsupported_media_type());
        }
        let announced = head.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        let arguments = Self { announced, text: Vec::new(), is_complete: false };
        arguments.check_size()?;
        Ok(arguments)
    }

    /// Whether they were received to their end.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Adds the next bytes. They are empty only at the end.
    ///
    /// # Errors
    /// 413.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), Details> {
        self.is_complete = bytes.is_empty();
        self.text.extend_from_slice(bytes);
        self.check_size()
    }

    fn check_size(&self) -> Result<(), Details> {
        if self.announced.max(self.text.len()) > MAX_BYTES { Err(Details::too_large()) } else { Ok(()) }
    }

    /// Parses them.
    ///
    /// # Errors
    /// 400.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, Details> {
        // Derived deserializers accept an array in place of an object.
        if self.text.trim_ascii_start().first() != Some(&b'{') {
            return Err(Details::malformed("The body must be a JSON object."));
        }
        serde_json::from_slice(&self.text).map_err(|error| Details::malformed(reason(&error)))
    }
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
