//! When to ask again.

use super::ticket::check_of;

/// The shortest and the longest pause between two polls of a job, in milliseconds.
const SHORTEST_MS: u64 = 30_000;
const LONGEST_MS: u64 = 900_000;

/// How long to wait before the next poll of a job of this age, in seconds: a quarter of its age, 30 seconds to 15
/// minutes, spread by 15 percent either way so that requests made together do not come back together.
#[must_use]
pub fn poll_after_ms(key: &str, age_s: u64) -> u64 {
    let pause = age_s.saturating_mul(1_000).saturating_div(4).clamp(SHORTEST_MS, LONGEST_MS);
    let spread = u64::from(check_of(key) % 301);
    pause.saturating_mul(spread.saturating_add(850)) / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_grows_with_the_age_and_has_its_ends() {
        let pauses: Vec<u64> =
            [0, 60, 600, 3_600, 86_400, u64::MAX].iter().map(|age| poll_after_ms("key", *age)).collect();
        assert!(pauses.is_sorted());
        assert_eq!(pauses[0], pauses[1]);
        assert_eq!(pauses[3], pauses[5]);
    }

    #[test]
    fn the_spread_is_fifteen_percent() {
        let pauses: Vec<u64> = (0..2_000).map(|key| poll_after_ms(&key.to_string(), 0)).collect();
        assert!(pauses.iter().all(|pause| (25_500..=34_500).contains(pause)));
        assert!(pauses.iter().any(|pause| *pause < 26_000) && pauses.iter().any(|pause| *pause > 34_000));
    }
}
