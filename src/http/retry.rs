//! The retry policy: which failures are transient, whether an attempt is repeated within a call, and after how long.
//!
//! API calls, streamed downloads and token requests all use [`decide`]. Whether a request *may* be repeated at all is not decided
//! here: the caller knows whether it changes anything.

use super::message::parse_date_s;
use super::{Cause, ResponseHead};

/// The longest delay that is accepted from a server: an hour. A longer delay is shortened to this.
pub const MAX_DELAY_MS: u64 = 3_600_000;

/// The shortest delay that is accepted from a server: a second. `Retry-After: 0` would make a busy loop otherwise.
pub const MIN_DELAY_MS: u64 = 1_000;

/// The delay before a repetition if the server does not name one.
pub const BACK_OFF_MS: u64 = 500;

/// How much of one call of the contract may be spent waiting.
const MAX_WAIT_MS: u64 = 5_000;

/// How an attempt failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failure {
    /// There is no response.
    Transport(Cause),
    /// The response has an error status, and may ask for a delay.
    Status {
        /// The status.
        status: u16,
        /// The delay that the response asks for, in milliseconds.
        retry_after_ms: Option<u64>,
    },
    /// The response has a success status and a body that is not what it must be.
    Malformed,
}

/// Whether an attempt is repeated within the call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Retry {
    /// No.
    Never,
    /// Immediately, with a new access token. Once per call.
    WithNewToken,
    /// After so many milliseconds. Once per attempt.
    After(u64),
}

/// Decides about a repetition within the call.
///
/// A throttled request is repeated only if the server names a delay: without one, a few seconds are too short. 408, 409 and 425 are
/// transient, but none of them is likely to be over within a call.
#[must_use]
pub const fn decide(failure: Failure) -> Retry {
    match failure {
        Failure::Status { status, .. } if is_unauthorized(status) => Retry::WithNewToken,
        Failure::Status { status, retry_after_ms: Some(delay_ms) }
            if is_throttled(status) || is_server_error(status) =>
        {
            Retry::After(delay_ms)
        }
        Failure::Status { status, retry_after_ms: None } if is_server_error(status) => Retry::After(BACK_OFF_MS),
        Failure::Transport(cause) if is_transient_cause(cause) => Retry::After(BACK_OFF_MS),
        // A proxy's page in place of a response is often gone the next moment.
        Failure::Malformed => Retry::After(BACK_OFF_MS),
        Failure::Status { .. } | Failure::Transport(_) => Retry::Never,
    }
}

/// Whether a status means that the access token has expired or was revoked: 401.
#[must_use]
pub const fn is_unauthorized(status: u16) -> bool {
    status == 401
}

/// Whether a status means that a rate limit is exceeded: 429. Throttled requests are not processed.
#[must_use]
pub const fn is_throttled(status: u16) -> bool {
    status == 429
}

/// Whether a status is a server's error: from 500 on, except 511. A proxy sends these, too, also after the server has taken the request.
#[must_use]
pub const fn is_server_error(status: u16) -> bool {
    status >= 500 && !is_of_proxies(status)
}

/// Whether only something between the host and the server sends a status: 407 (RFC 9110, section 15.5.8), and 511, with which a
/// captive portal asks for a login (RFC 6585, section 6).
#[must_use]
pub const fn is_of_proxies(status: u16) -> bool {
    matches!(status, 407 | 511)
}

/// Whether the same request can succeed later without anyone's intervention: 408, 409, 425, 429, and from 500 on, except 511.
#[must_use]
pub const fn is_transient_status(status: u16) -> bool {
    is_throttled(status) || is_server_error(status) || matches!(status, 408 | 409 | 425)
}

/// Whether the same request can succeed later without anyone's intervention. An egress policy, a proxy's refusal, a client certificate, a
/// body that is too long and a request that the host cannot send stay as they are.
#[must_use]
pub const fn is_transient_cause(cause: Cause) -> bool {
    match cause {
        Cause::Denied
        | Cause::ClientCertificate
        | Cause::ProxyRefusal
        | Cause::BodyTooLarge
        | Cause::InvalidRequest => false,
        Cause::DnsFailure
        | Cause::Unreachable
        | Cause::Tls
        | Cause::ProxyFailure
        | Cause::TimedOut
        | Cause::Interrupted => true,
    }
}

/// The delay that a response asks for in `retry-after`, in milliseconds, from [`MIN_DELAY_MS`] to [`MAX_DELAY_MS`]. `None` if there
/// is no such header, or all are malformed.
///
/// Seconds may have a fraction. A date counts from the response's own `date` if there is one, because the host's clock may differ.
#[must_use]
pub fn retry_after_ms(head: &ResponseHead, now_s: u64) -> Option<u64> {
    let until = |date_s: u64| date_s.saturating_sub(head.date_s().unwrap_or(now_s)).saturating_mul(1_000);
    let parse = |text: &str| parse_seconds_as_ms(text).or_else(|| parse_date_s(text).map(until));
    head.values("retry-after").find_map(|text| parse(text.trim())).map(clamp_delay_ms)
}

/// A delay within the limits that are accepted from a server.
#[must_use]
pub fn clamp_delay_ms(delay_ms: u64) -> u64 {
    delay_ms.clamp(MIN_DELAY_MS, MAX_DELAY_MS)
}

/// `7` or `7.5`, in milliseconds. A fraction is rounded up to a second. A value that overflows `u64` saturates.
fn parse_seconds_as_ms(text: &str) -> Option<u64> {
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    let seconds: u64 = whole.parse().unwrap_or(u64::MAX);
    let started_second = u64::from(fraction.bytes().any(|digit| digit != b'0'));
    Some(seconds.saturating_add(started_second).saturating_mul(1_000))
}

/// The time that one call of the contract may still spend waiting.
#[derive(Clone, Copy, Debug)]
pub struct WaitBudget {
    left_ms: u64,
}

impl WaitBudget {
    /// The budget of a call that has not waited yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { left_ms: MAX_WAIT_MS }
    }

    /// Whether a wait is within the budget.
    #[must_use]
    pub const fn allows(&self, wait_ms: u64) -> bool {
        wait_ms <= self.left_ms
    }

    /// Takes a wait from the budget.
    pub const fn spend(&mut self, wait_ms: u64) {
        self.left_ms = self.left_ms.saturating_sub(wait_ms);
    }
}

impl Default for WaitBudget {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The statuses 100 to 599, in ranges with the same description.
    fn table(describe: impl Fn(u16) -> String) -> String {
        let mut ranges: Vec<(u16, u16, String)> = Vec::new();
        for status in 100..=599 {
            let text = describe(status);
            match ranges.last_mut() {
                Some((_, last, same)) if *same == text => *last = status,
                _ => ranges.push((status, status, text)),
            }
        }
        ranges.into_iter().map(|(first, last, text)| format!("{first}-{last}: {text}\n")).collect()
    }

    #[test]
    fn every_status_has_one_decision() {
        let decisions = table(|status| {
            let silent = decide(Failure::Status { status, retry_after_ms: None });
            let delayed = decide(Failure::Status { status, retry_after_ms: Some(3_000) });
            let kind = if is_transient_status(status) { "transient" } else { "permanent" };
            format!("{kind}, {silent:?}, with a delay {delayed:?}")
        });
        let expected = "\
100-400: permanent, Never, with a delay Never
401-401: permanent, WithNewToken, with a delay WithNewToken
402-407: permanent, Never, with a delay Never
408-409: transient, Never, with a delay Never
410-424: permanent, Never, with a delay Never
425-425: transient, Never, with a delay Never
426-428: permanent, Never, with a delay Never
429-429: transient, Never, with a delay After(3000)
430-499: permanent, Never, with a delay Never
500-510: transient, After(500), with a delay After(3000)
511-511: permanent, Never, with a delay Never
512-599: transient, After(500), with a delay After(3000)
";
        assert_eq!(decisions, expected);
    }

    #[test]
    fn every_cause_has_one_decision() {
        for (cause, decision) in [
            (Cause::Denied, Retry::Never),
            (Cause::DnsFailure, Retry::After(500)),
            (Cause::Unreachable, Retry::After(500)),
            (Cause::Tls, Retry::After(500)),
            (Cause::ClientCertificate, Retry::Never),
            (Cause::ProxyRefusal, Retry::Never),
            (Cause::ProxyFailure, Retry::After(500)),
            (Cause::TimedOut, Retry::After(500)),
            (Cause::Interrupted, Retry::After(500)),
            (Cause::BodyTooLarge, Retry::Never),
            (Cause::InvalidRequest, Retry::Never),
        ] {
            assert_eq!(decide(Failure::Transport(cause)), decision, "{cause:?}");
        }
        assert_eq!(decide(Failure::Malformed), Retry::After(500));
    }

    fn delay(headers: &[(&str, &str)]) -> Option<u64> {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        retry_after_ms(&ResponseHead { status: 429, headers }, 784_111_700)
    }

    #[test]
    fn seconds_and_dates_are_understood() {
        assert_eq!(delay(&[("retry-after", " 7 ")]), Some(7_000));
        assert_eq!(delay(&[("retry-after", "1.5")]), Some(2_000));
        assert_eq!(delay(&[("retry-after", "2.0")]), Some(2_000));
        assert_eq!(delay(&[("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")]), Some(77_000));
    }

    #[test]
    fn a_date_counts_from_the_servers_own_clock() {
        let headers = [("date", "Sun, 06 Nov 1994 08:49:27 GMT"), ("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")];
        assert_eq!(delay(&headers), Some(10_000));
    }

    #[test]
    fn no_delay_is_shorter_than_a_second() {
        for text in ["0", "0.0", "0.2", "Sun, 06 Nov 1994 00:00:00 GMT"] {
            assert_eq!(delay(&[("retry-after", text)]), Some(1_000), "{text}");
        }
    }

    #[test]
    fn no_delay_is_longer_than_an_hour() {
        for text in ["3601", "99999999999999999999999", "Sun, 06 Nov 2022 00:00:00 GMT"] {
            assert_eq!(delay(&[("retry-after", text)]), Some(MAX_DELAY_MS), "{text}");
        }
    }

    #[test]
    fn malformed_delays_are_absent() {
        for text in ["", "soon", "-5", "-0", "+5", ".5", "1.5.0", "1,5", "7s"] {
            assert_eq!(delay(&[("retry-after", text)]), None, "{text}");
        }
        assert_eq!(delay(&[]), None);
    }

    #[test]
    fn the_first_delay_that_is_understood_counts() {
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(delay(&[("retry-after", "soon"), ("retry-after", "7")]), Some(7_000));
        assert_eq!(delay(&[("retry-after", date), ("retry-after", "7")]), Some(77_000));
        assert_eq!(delay(&[("retry-after", "7"), ("retry-after", date)]), Some(7_000));
    }

    #[test]
    fn waits_are_limited_to_five_seconds_per_call() {
        let mut budget = WaitBudget::new();
        assert!(budget.allows(5_000) && !budget.allows(5_001));
        budget.spend(3_000);
        assert!(budget.allows(2_000) && !budget.allows(2_001));
    }
}
