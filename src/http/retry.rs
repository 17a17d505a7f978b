//! How long to wait before asking again.

use super::{Head, date::parse_http_date};
use crate::digits::number;

/// The longest wait that is believed: an hour. What a server asks for beyond that is asked again after an hour.
pub const LONGEST_MS: u64 = 3_600_000;

/// The wait that an answer asks for in `Retry-After`, in milliseconds, at most [`LONGEST_MS`]; none if it says nothing
/// that can be understood. Seconds and HTTP dates are read: whether Qualtrics sends either is unconfirmed (fact sheet
/// 3.3).
///
/// A date counts from the answer's own `Date`, where there is one: the host's clock may differ.
#[must_use]
pub fn retry_after_ms(head: &Head, now_s: u64) -> Option<u64> {
    let text = head.header("retry-after")?.trim();
    let seconds = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit is a long time, not nonsense.
        number(text.as_bytes()).unwrap_or(u64::MAX)
    } else {
        let now = head.header("date").and_then(parse_http_date).unwrap_or(now_s);
        parse_http_date(text)?.saturating_sub(now)
    };
    Some(seconds.saturating_mul(1_000).min(LONGEST_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(headers: &[(&str, &str)]) -> Option<u64> {
        let headers = headers.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        retry_after_ms(&Head { status: 429, headers }, 784_111_700)
    }

    #[test]
    fn seconds_and_dates_are_understood() {
        assert_eq!(asked(&[("retry-after", "7")]), Some(7_000));
        assert_eq!(asked(&[("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")]), Some(77_000));
    }

    #[test]
    fn a_date_counts_from_the_servers_own_clock() {
        let headers = [("date", "Sun, 06 Nov 1994 08:49:27 GMT"), ("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")];
        assert_eq!(asked(&headers), Some(10_000));
    }

    #[test]
    fn an_absurd_wait_is_an_hour_and_nonsense_is_nothing() {
        assert_eq!(asked(&[("retry-after", "99999999999999999999999")]), Some(LONGEST_MS));
        assert_eq!(asked(&[("retry-after", "soon")]), None);
        assert_eq!(asked(&[("retry-after", "-5")]), None);
        assert_eq!(asked(&[]), None);
    }

    #[test]
    fn a_date_in_the_past_means_now() {
        assert_eq!(asked(&[("retry-after", "Sun, 06 Nov 1994 00:00:00 GMT")]), Some(0));
    }
}
