//! What a body holds: the parameters of a call, by name.
//!
//! A member that is not known, or stands there twice, is an error: a `mode` with a slip of the pen must never count as one
//! that was left out. Errors say where and what was expected, and repeat nothing of what was sent.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Unexpected, Visitor};

use crate::contract::{DeletionMode, Request, Right, Setting, Task};
use crate::http::{Body, Head};
use crate::problem::Details;

/// The longest body that is read, in bytes.
pub const LONGEST: usize = 1024 * 1024;

/// The parameters of `check`.
pub struct Check {
    /// `rights`.
    pub rights: Vec<Right>,
}

/// The parameters of `access`.
pub struct Access {
    /// `request`.
    pub request: Request,
}

/// The parameters of `delete`.
pub struct Delete {
    /// `request`.
    pub request: Request,
    /// `mode`.
    pub mode: DeletionMode,
}

/// The parameters of `poll`.
pub struct Poll {
    /// `tasks`.
    pub tasks: Vec<Task>,
}

/// Reads a record from an object, and from nothing else: derived readers take an array for one, too.
macro_rules! object {
    ($name:ident { $($field:ident: $word:literal $(by $reader:ident)? $(or $default:expr)?),* }) => {
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Members(PhantomData<$name>);

                impl<'de> Visitor<'de> for Members {
                    type Value = $name;

                    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                        formatter.write_str(concat!("an object with ", object!(@list $($word),*)))
                    }

                    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<$name, A::Error> {
                        $(let mut $field = None;)*
                        while let Some(member) = map.next_key::<String>()? {
                            match member.as_str() {
                                $($word if $field.is_some() => return Err(A::Error::duplicate_field($word)),
                                $word => $field = Some(object!(@value map $($reader)?)),)*
                                _ => return Err(A::Error::unknown_field("", &[$($word),*])),
                            }
                        }
                        Ok($name {
                            $($field: match $field {
                                Some(value) => value,
                                None => object!(@missing $word $(or $default)?),
                            }),*
                        })
                    }
                }

                deserializer.deserialize_map(Members(PhantomData))
            }
        }
    };
    (@list $first:literal $(, $word:literal)*) => { concat!($first $(, ", ", $word)*) };
    (@value $map:ident) => { $map.next_value()? };
    (@value $map:ident $reader:ident) => { $reader(&mut $map)? };
    (@missing $word:literal) => { return Err(A::Error::missing_field($word)) };
    (@missing $word:literal or $default:expr) => { $default };
}

object!(Check { rights: "rights" });
object!(Access { request: "request" });
object!(Delete { request: "request", mode: "mode" });
object!(Poll { tasks: "tasks" });
object!(Task { request: "request", ticket: "ticket" });
object!(Request {
    key: "key",
    subject: "subject",
    first_attempt_at: "first-attempt-at" by whole_number or None,
    confirmed: "confirmed" or Vec::new(),
    extra: "extra" or Vec::new()
});
object!(Setting { key: "key", value: "value" });

/// A whole number, or null. JSON has one kind of number: `7.0` is as whole as `7`, and some clients write it so.
fn whole_number<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<u64>, A::Error> {
    struct Whole(u64);

    impl<'de> Deserialize<'de> for Whole {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_u64(Number)
        }
    }

    struct Number;

    impl Visitor<'_> for Number {
        type Value = Whole;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("a whole number")
        }

        fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Whole, E> {
            Ok(Whole(number))
        }

        fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Whole, E> {
            // The first number that is too large.
            const END: f64 = 18_446_744_073_709_551_616.0;
            if number.fract() == 0.0 && (0.0..END).contains(&number) {
                return Ok(Whole(number as u64));
            }
            Err(E::invalid_value(Unexpected::Float(number), &self))
        }
    }

    Ok(map.next_value::<Option<Whole>>()?.map(|Whole(number)| number))
}

/// The parameters of a call.
///
/// # Errors
/// 415, 413, 408 and 400.
pub fn read<T: for<'de> Deserialize<'de>>(head: &Head, body: &mut impl Body) -> Result<T, Details> {
    if !is_json(head) {
        return Err(Details::not_json());
    }
    let promised = head.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut text = Vec::new();
    loop {
        if promised.max(text.len()) > LONGEST {
            return Err(Details::too_large());
        }
        let piece = body.read().map_err(|_| Details::interrupted())?;
        if piece.is_empty() {
            break;
        }
        text.extend_from_slice(&piece);
    }
    serde_json::from_slice(&text).map_err(|error| Details::malformed(sentence(&error)))
}

fn is_json(head: &Head) -> bool {
    let media_type = head.header("content-type").and_then(|value| value.split(';').next()).unwrap_or_default();
    media_type.trim().eq_ignore_ascii_case("application/json") && !head.has("content-encoding")
}

/// What an error of the reader says, without what it repeats of the text.
fn sentence(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text);
    let reason = if !error.is_data() {
        "this is no JSON"
    } else if text.starts_with("missing field ") || text.starts_with("duplicate field ") {
        text
    } else {
        // What was expected stands at the end, in this crate's own words; what was found, before that.
        text.rfind("expected ").and_then(|at| text.get(at..)).unwrap_or("this does not fit")
    };
    format!("The body, line {}, column {}: {reason}.", error.line(), error.column())
}
