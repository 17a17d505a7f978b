//! The dates of HTTP headers (RFC 9110, section 5.6.7), and the calendar behind them.

use crate::digits::numbers;

/// Days from 1970-01-01 to a date of the Gregorian calendar; none if there is no such date. Years 1970 to 9999.
#[must_use]
pub fn days_since_epoch(year: u64, month: u64, day: u64) -> Option<u64> {
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || day == 0 || day > days_in(year, month) {
        return None;
    }
    let past = year.checked_sub(1)?;
    let leap_days = leap_days_until(past).checked_sub(leap_days_until(1969))?;
    let years = year.checked_sub(1970)?.checked_mul(365)?.checked_add(leap_days)?;
    let months = (1..month).try_fold(0u64, |sum, month| sum.checked_add(days_in(year, month)))?;
    years.checked_add(months)?.checked_add(day)?.checked_sub(1)
}

/// Year, month and day of a number of days since 1970-01-01; up to the year 9999.
#[must_use]
pub fn date_of(days: u64) -> Option<(u64, u64, u64)> {
    let new_year = |year| days_since_epoch(year, 1, 1);
    // If every year were a leap year, it would be this one; it is a few years later at most.
    let mut year = 1970_u64.checked_add(days / 366)?;
    while new_year(year.checked_add(1)?).is_some_and(|next| next <= days) {
        year = year.checked_add(1)?;
    }
    let mut day = days.checked_sub(new_year(year)?)?.checked_add(1)?;
    for month in 1..=12 {
        let length = days_in(year, month);
        if day <= length {
            return Some((year, month, day));
        }
        day = day.checked_sub(length)?;
    }
    None
}

/// Seconds since 1970 of an instant in UTC.
#[must_use]
pub fn seconds_since_epoch(date: (u64, u64, u64), time: (u64, u64, u64)) -> Option<u64> {
    let (hour, minute, second) = time;
    // A leap second is told as :60; it counts as the second after :59.
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let days = days_since_epoch(date.0, date.1, date.2)?;
    days.checked_mul(86_400)?
        .checked_add(hour.checked_mul(3_600)?)?
        .checked_add(minute.checked_mul(60)?)?
        .checked_add(second)
}

/// Reads an HTTP date in the form that is sent today: `Sun, 06 Nov 1994 08:49:37 GMT`.
///
/// The two obsolete forms are not read: a date that is not understood is treated as absent, which is always safe here.
#[must_use]
pub fn parse_http_date(text: &str) -> Option<u64> {
    let text = text.trim_ascii().as_bytes();
    let part = |from: usize, to: usize| text.get(from..to);
    let [day, _] = numbers(part(5, 8)?, b"00 ")?;
    let name = part(8, 11)?;
    let [_, year, hour, minute, second, _] = numbers(part(11, 26)?, b" 0000 00:00:00 ")?;
    if part(3, 5)? != b", " || !part(26, text.len())?.eq_ignore_ascii_case(b"gmt") {
        return None;
    }
    let month = (1..).zip(MONTHS).find(|(_, month)| month.eq_ignore_ascii_case(name))?.0;
    seconds_since_epoch((year, month, day), (hour, minute, second))
}

const MONTHS: [&[u8]; 12] =
    [b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"];

fn days_in(year: u64, month: u64) -> u64 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// How many leap days there are up to the end of a year.
fn leap_days_until(year: u64) -> u64 {
    (year / 4).saturating_sub(year / 100).saturating_add(year / 400)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_standard_is_read() {
        assert_eq!(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
    }

    #[test]
    fn what_is_not_a_date_is_none() {
        for text in [
            "",
            "120",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 31 Feb 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sun; 06 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08.49.37 GMT",
            "Sun, 06 Nov 1994 08:49:37 CET",
        ] {
            assert_eq!(parse_http_date(text), None, "{text}");
        }
    }

    #[test]
    fn every_day_of_four_centuries_survives_the_way_there_and_back() {
        for day in 0..146_097 {
            let (year, month, date) = date_of(day).expect("within the calendar");
            assert_eq!(days_since_epoch(year, month, date), Some(day));
        }
        assert_eq!(date_of(2_932_896), Some((9999, 12, 31)));
        assert_eq!(date_of(2_932_897), None);
        assert_eq!(date_of(u64::MAX), None);
    }
}
