//! Qualtrics' instants: ISO 8601 in UTC mostly, milliseconds since 1970 at some endpoints (fact sheet 3.4, 8.3).

use crate::http::date::{date_of, seconds_since_epoch};
use crate::json::Json;
use crate::prelude::*;

/// Milliseconds since 1970, read from text or number; none if it is neither form.
#[must_use]
pub fn read_ms(value: &Json) -> Option<u64> {
    match value {
        Json::Number(_) => value.as_u64().filter(|ms| *ms < 253_402_300_800_000),
        Json::Text(text) => parse_ms(text).or_else(|| milliseconds(text)),
        _ => None,
    }
}

/// Milliseconds that were written as text: of now, and not of the years in which so few digits would be enough.
fn milliseconds(text: &str) -> Option<u64> {
    let text = text.trim_ascii();
    (text.len() >= 12).then(|| number(text)).flatten().filter(|ms| *ms < 253_402_300_800_000)
}

/// An instant as this connector writes it: `2026-01-31T12:00:00Z`, with milliseconds only where there are any.
#[must_use]
pub fn write(ms: u64) -> Option<String> {
    let (year, month, day) = date_of(ms / 86_400_000)?;
    let second = (ms / 1_000) % 86_400;
    let date = [digits(year, 4), digits(month, 2), digits(day, 2)].join("-");
    let time = [digits(second / 3_600, 2), digits((second / 60) % 60, 2), digits(second % 60, 2)].join(":");
    let fraction = match ms % 1_000 {
        0 => String::new(),
        ms => [".", &digits(ms, 3)].concat(),
    };
    Some([&date, "T", &time, &fraction, "Z"].concat())
}

fn digits(number: u64, width: usize) -> String {
    let text = number.to_string();
    ["0".repeat(width.saturating_sub(text.len())), text].concat()
}

/// Reads `yyyy-MM-dd`, then optionally `T` or a blank and `HH:mm:ss`, a fraction, and `Z` or an offset. Without an
/// offset it is UTC.
fn parse_ms(text: &str) -> Option<u64> {
    let text = text.trim_ascii();
    if !text.is_ascii() {
        return None;
    }
    let mut date = text.get(..10)?.split('-');
    let date = (number(date.next()?)?, number(date.next()?)?, number(date.next()?)?);
    let rest = text.get(10..)?;
    if rest.is_empty() {
        return seconds_since_epoch(date, (0, 0, 0))?.checked_mul(1_000);
    }
    let time = rest.strip_prefix(['T', 't', ' '])?;
    let mut clock = time.get(..8)?.split(':');
    let clock = (number(clock.next()?)?, number(clock.next()?)?, number(clock.next()?)?);
    let mut rest = time.get(8..)?;
    let mut fraction_ms = 0;
    if let Some(fraction) = rest.strip_prefix('.') {
        let end = fraction.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(fraction.len());
        let (fraction, zone) = fraction.split_at_checked(end)?;
        let padded: String = fraction.chars().chain("000".chars()).take(3).collect();
        fraction_ms = number(&padded)?;
        rest = zone;
    }
    let seconds = seconds_since_epoch(date, clock)?;
    let seconds = match rest {
        "" | "Z" | "z" | "UTC" | " UTC" => seconds,
        zone => {
            let east = zone.starts_with('+');
            let zone: String = zone.strip_prefix(['+', '-'])?.chars().filter(|letter| *letter != ':').collect();
            let offset = match zone.len() {
                2 => number(&zone)?.checked_mul(3_600)?,
                4 => {
                    let minutes = number(zone.get(2..)?)?.checked_mul(60)?;
                    number(zone.get(..2)?)?.checked_mul(3_600)?.checked_add(minutes)?
                }
                _ => return None,
            };
            if east { seconds.checked_sub(offset)? } else { seconds.checked_add(offset)? }
        }
    };
    seconds.checked_mul(1_000)?.checked_add(fraction_ms)
}

fn number(text: &str) -> Option<u64> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(value: &Value) -> Option<u64> {
        read_ms(&value.clone().into())
    }

    #[test]
    fn every_spelling_of_an_instant_is_the_same_instant() {
        for value in [
            json!("2023-11-14T22:13:20Z"),
            json!("2023-11-14T22:13:20"),
            json!("2023-11-14 22:13:20"),
            json!("2023-11-14T22:13:20.000Z"),
            json!("2023-11-14T23:13:20+01:00"),
            json!("2023-11-14T15:13:20-0700"),
            json!(1_700_000_000_000_u64),
            json!("1700000000000"),
        ] {
            assert_eq!(read(&value), Some(1_700_000_000_000), "{value}");
        }
        assert_eq!(read(&json!("2023-11-14T22:13:20.5Z")), Some(1_700_000_000_500));
        assert_eq!(read(&json!("2023-11-14")), Some(1_699_920_000_000));
    }

    #[test]
    fn what_is_no_instant_is_none() {
        for value in
            [json!(null), json!(""), json!("yesterday"), json!("2023-13-01"), json!("2023-11-14T22:13:20?"), json!(-5)]
        {
            assert_eq!(read(&value), None, "{value}");
        }
    }

    #[test]
    fn milliseconds_are_written_where_there_are_any() {
        assert_eq!(write(1_700_000_000_000).as_deref(), Some("2023-11-14T22:13:20Z"));
        assert_eq!(write(1_700_000_000_042).as_deref(), Some("2023-11-14T22:13:20.042Z"));
    }
}
