//! Qualtrics' timestamps: mostly ISO 8601 in UTC, milliseconds since 1970 at some endpoints (fact sheet 3.4, 8.3).

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

/// The end of the year 9999, in milliseconds.
const MAX_MS: u64 = 253_402_300_799_999;

/// The earliest timestamp, in 1973: Qualtrics has nothing from before. A smaller number is in another unit, and an earlier date is a
/// placeholder for none.
const MIN_MS: u64 = 100_000_000_000;

/// The length of `yyyy-MM-dd`.
const DATE_LENGTH: usize = 10;

const SECONDS: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
const MILLISECONDS: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// Milliseconds since 1970, from text or a number. `None` if it is no timestamp, before 1973, or without a time zone: such a time is
/// uncertain by half a day.
#[must_use]
pub fn parse_ms(value: &Value) -> Option<u64> {
    let ms = match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => parse_iso(text.trim()).or_else(|| parse_digits(text.trim())),
        _ => None,
    };
    ms.filter(|ms| (MIN_MS..=MAX_MS).contains(ms))
}

/// Seconds since 1970, as [`parse_ms`].
#[must_use]
pub fn parse_s(value: &Value) -> Option<u64> {
    parse_ms(value).map(|ms| ms / 1_000)
}

/// A timestamp as this connector writes it: `2026-01-31T12:00:00Z`, with milliseconds unless they are zero. `None` after the year
/// 9999.
#[must_use]
pub fn format(ms: u64) -> Option<String> {
    let timestamp = OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms).checked_mul(1_000_000)?).ok()?;
    timestamp.format(if ms.is_multiple_of(1_000) { SECONDS } else { MILLISECONDS }).ok()
}

/// `yyyy-MM-dd`, `T` or a space, `HH:mm:ss`, a fraction if there is one, and `Z`, `UTC`, `GMT` or an offset.
fn parse_iso(text: &str) -> Option<u64> {
    let (date, rest) = text.split_at_checked(DATE_LENGTH)?;
    let time = rest.strip_prefix(['T', 't', ' '])?;
    let zone_at = time.find(|character: char| !character.is_ascii_digit() && !matches!(character, ':' | '.'));
    let (time, zone) = time.split_at_checked(zone_at.unwrap_or(time.len()))?;
    let zone = match zone.trim_start() {
        "Z" | "z" | "UTC" | "GMT" => "Z".to_owned(),
        offset => rfc3339_offset(offset)?,
    };
    let timestamp = OffsetDateTime::parse(&format!("{date}T{time}{zone}"), &Rfc3339).ok()?;
    u64::try_from(timestamp.unix_timestamp_nanos() / 1_000_000).ok()
}

/// `+01:00` of `+01:00`, `+0100` or `+01`.
fn rfc3339_offset(offset: &str) -> Option<String> {
    let (sign, digits) = offset.split_at_checked(1)?;
    let (hours, minutes) = digits.split_at_checked(2)?;
    let minutes = minutes.strip_prefix(':').unwrap_or(minutes);
    let minutes = if minutes.is_empty() { "00" } else { minutes };
    Some(format!("{sign}{hours}:{minutes}"))
}

fn parse_digits(text: &str) -> Option<u64> {
    text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_spelling_of_a_timestamp_is_the_same_instant() {
        for value in [
            json!("2023-11-14T22:13:20Z"),
            json!(" 2023-11-14t22:13:20z "),
            json!("2023-11-14 22:13:20Z"),
            json!("2023-11-14 22:13:20 UTC"),
            json!("2023-11-14 22:13:20 GMT"),
            json!("2023-11-14T22:13:20.000Z"),
            json!("2023-11-14T23:13:20+01:00"),
            json!("2023-11-14T23:13:20+01"),
            json!("2023-11-14T15:13:20-0700"),
            json!(1_700_000_000_000_u64),
            json!("1700000000000"),
        ] {
            assert_eq!(parse_ms(&value), Some(1_700_000_000_000), "{value}");
            assert_eq!(parse_s(&value), Some(1_700_000_000), "{value}");
        }
        assert_eq!(parse_ms(&json!("2023-11-14T22:13:20.5Z")), Some(1_700_000_000_500));
        assert_eq!(parse_ms(&json!("2023-11-14T22:13:20.123456789Z")), Some(1_700_000_000_123));
    }

    #[test]
    fn a_time_without_a_zone_is_not_taken_for_utc() {
        for value in ["2023-11-14T22:13:20", "2023-11-14 22:13:20", "2023-11-14T22:13:20.000", "2023-11-14"] {
            assert_eq!(parse_ms(&json!(value)), None, "{value}");
        }
    }

    #[test]
    fn seconds_are_not_taken_for_milliseconds() {
        for value in [json!(1_700_000_000), json!("1700000000"), json!(0), json!(1_700_000_000_000_000_u64)] {
            assert_eq!(parse_ms(&value), None, "{value}");
        }
    }

    #[test]
    fn everything_else_is_no_timestamp() {
        for value in [
            json!(null),
            json!(""),
            json!("yesterday"),
            json!("2023-13-01"),
            json!("2023-11-14T22:13:20?"),
            json!("2023-11-14T22:13:20+"),
            json!("2023-11-14T22:13:20+1é"),
            json!("2023-11-14T22:13"),
            json!("2023-11-1é"),
            json!("1969-12-31T00:00:00Z"),
            json!("1970-01-01T00:00:00Z"),
            json!("0001-01-01T00:00:00Z"),
            json!(1_700_000_000_000.5),
            json!("17000000000"),
            json!(-5),
            json!(253_402_300_800_000_u64),
        ] {
            assert_eq!(parse_ms(&value), None, "{value}");
        }
    }

    #[test]
    fn milliseconds_are_written_unless_they_are_zero() {
        assert_eq!(format(1_700_000_000_000).as_deref(), Some("2023-11-14T22:13:20Z"));
        assert_eq!(format(1_700_000_000_042).as_deref(), Some("2023-11-14T22:13:20.042Z"));
        assert_eq!(format(1_700_000_000_500).as_deref(), Some("2023-11-14T22:13:20.500Z"));
        assert_eq!(format(MAX_MS).as_deref(), Some("9999-12-31T23:59:59.999Z"));
        assert_eq!((format(MAX_MS + 1), format(u64::MAX)), (None, None));
    }

    #[test]
    fn formatted_timestamps_parse_as_the_same_instant() {
        for day in 1_158..146_097_u64 {
            let ms = day * 86_400_000 + day % 1_000;
            assert_eq!(format(ms).and_then(|text| parse_ms(&json!(text))), Some(ms));
        }
    }
}
