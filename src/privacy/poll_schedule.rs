//! When to poll next.

use super::ticket::check_of;

/// The shortest and the longest delay between two polls of a job, in milliseconds.
const MIN_MS: u64 = 30_000;
const MAX_MS: u64 = 900_000;

/// The delay before the next poll of a job of this age: a quarter of its age, 30 seconds to 15 minutes, with a jitter of 15 percent
/// either way so that requests that were started together are not polled together.
#[must_use]
pub fn poll_after_ms(request_id: &str, age_s: u64) -> u64 {
    let delay = age_s.saturating_mul(1_000).saturating_div(4).clamp(MIN_MS, MAX_MS);
    let jitter = u64::from(check_of(request_id) % 301);
    delay.saturating_mul(jitter.saturating_add(850)) / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_grows_with_the_age_between_its_bounds() {
        let delays: Vec<u64> =
            [0, 60, 600, 3_600, 86_400, u64::MAX].iter().map(|age| poll_after_ms("id", *age)).collect();
        assert!(delays.is_sorted());
        assert_eq!(delays[0], delays[1]);
        assert_eq!(delays[3], delays[5]);
    }

    #[test]
    fn the_jitter_is_fifteen_percent() {
        let delays: Vec<u64> = (0..2_000).map(|id| poll_after_ms(&id.to_string(), 0)).collect();
        assert!(delays.iter().all(|delay| (25_500..=34_500).contains(delay)));
        assert!(delays.iter().any(|delay| *delay < 26_000) && delays.iter().any(|delay| *delay > 34_000));
    }
}
