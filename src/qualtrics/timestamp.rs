//! Qualtrics' instants: ISO 8601 in UTC mostly, milliseconds since 1970 at some endpoints (fact sheet 3.4, 8.3).

use crate::digits::{self, number, numbers};
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
    let text = text.trim_ascii().as_bytes();
    number(text).filter(|ms| text.len() >= 12 && *ms < 253_402_300_800_000)
}

/// An instant as this connector writes it: `2026-01-31T12:00:00Z`, with milliseconds only where there are any.
#[must_use]
pub fn write(ms: u64) -> Option<String> {
    let (year, month, day) = date_of(ms / 86_400_000)?;
    let second = (ms / 1_000) % 86_400;
    let mut text = *b"0000-00-00T00:00:00.000";
    let parts = [year, month, day, second / 3_600, second / 60 % 60, second % 60, ms % 1_000];
    let groups = text.split_mut(|sign| !sign.is_ascii_digit());
    groups.zip(parts).for_each(|(digits, number)| digits::write(digits, number));
    let length = if ms.is_multiple_of(1_000) { text.len().checked_sub(4)? } else { text.len() };
    Some([core::str::from_utf8(text.get(..length)?).ok()?, "Z"].concat())
}

/// Reads `yyyy-MM-dd`, then optionally `T` or a blank and `HH:mm:ss`, a fraction, and `Z` or an offset. Without an
/// offset it is UTC.
fn parse_ms(text: &str) -> Option<u64> {
    let (date, rest) = text.trim_ascii().as_bytes().split_at_checked(10)?;
    let [year, month, day] = numbers(date, b"0000-00-00")?;
    let date = (year, month, day);
    let (b'T' | b't' | b' ', time) = rest.split_first().unwrap_or((&b'T', b"00:00:00")) else { return None };
    let (clock, rest) = time.split_at_checked(8)?;
    let [hour, minute, second] = numbers(clock, b"00:00:00")?;
    let (mut zone, mut fraction_ms) = (rest, 0);
    if let Some((b'.', fraction)) = rest.split_first() {
        let digits = fraction.iter().take_while(|sign| sign.is_ascii_digit()).count();
        let (digits, rest) = fraction.split_at_checked(digits)?;
        zone = rest;
        let mut padded = *b"000";
        padded.iter_mut().zip(digits).for_each(|(place, digit)| *place = *digit);
        fraction_ms = number(&padded)?;
    }
    let seconds = seconds_since_epoch(date, (hour, minute, second))?;
    let seconds = match zone {
        b"" | b"Z" | b"z" | b"UTC" | b" UTC" => seconds,
        [sign @ (b'+' | b'-'), offset @ ..] => {
            let [hours, minutes] = numbers(offset, b"00:00")
                .or_else(|| number(offset).filter(|_| offset.len() == 4).map(|both| [both / 100, both % 100]))
                .or_else(|| number(offset).filter(|_| offset.len() == 2).map(|hours| [hours, 0]))?;
            let offset = hours.checked_mul(3_600)?.checked_add(minutes.checked_mul(60)?)?;
            if *sign == b'+' { seconds.checked_sub(offset)? } else { seconds.checked_add(offset)? }
        }
        _ => return None,
    };
    seconds.checked_mul(1_000)?.checked_add(fraction_ms)
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
