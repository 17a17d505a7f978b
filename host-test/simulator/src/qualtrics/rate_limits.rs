//! How many calls per minute are allowed: the fact sheet, section 3.3.

use std::collections::HashMap;
use std::time::Duration;

use super::dialects::TokenLimit;
use super::endpoint::Endpoint;

/// The calls per minute of a brand, and of an endpoint without a limit of its own.
const BRAND_LIMIT: f64 = 3000.0;

/// Leaky buckets: each call adds one, and a bucket leaks as many per minute as calls are allowed.
#[derive(Default)]
pub(super) struct RateLimits {
    /// The level of the bucket of an endpoint at a time. `None` is the bucket of the whole brand.
    buckets: HashMap<Option<Endpoint>, (f64, Duration)>,
}

impl RateLimits {
    /// Counts a call. If it exceeds a limit, it does not count, and the error is the time until it would be allowed.
    pub(super) fn take(&mut self, endpoint: Endpoint, token_limit: TokenLimit, now: Duration) -> Result<(), Duration> {
        let endpoint_limit = match endpoint {
            Endpoint::Token if token_limit == TokenLimit::Ten => 10.0,
            Endpoint::ErasureCreate | Endpoint::ErasureList | Endpoint::ErasureGet => 20.0,
            Endpoint::ExportCreate | Endpoint::ExportProgress | Endpoint::ExportFile => 100.0,
            Endpoint::ContactSearch
            | Endpoint::ContactCreate
            | Endpoint::ContactUpdate
            | Endpoint::ContactDelete
            | Endpoint::TransactionsCreate
            | Endpoint::TransactionAppend
            | Endpoint::TransactionUpdate
            | Endpoint::TransactionDelete => 500.0,
            _ => BRAND_LIMIT,
        };
        let buckets = [(None, BRAND_LIMIT), (Some(endpoint), endpoint_limit)];
        for (key, per_minute) in buckets {
            // The tolerance absorbs rounding errors.
            let excess = self.level(key, per_minute, now) + 1.0 - per_minute - 1e-6;
            if excess > 0.0 {
                return Err(Duration::from_secs_f64(excess * 60.0 / per_minute));
            }
        }
        for (key, per_minute) in buckets {
            let level = self.level(key, per_minute, now);
            self.buckets.insert(key, (level + 1.0, now));
        }
        Ok(())
    }

    fn level(&self, key: Option<Endpoint>, per_minute: f64, now: Duration) -> f64 {
        let (level, then) = self.buckets.get(&key).copied().unwrap_or_default();
        let leaked = now.saturating_sub(then).as_secs_f64() * per_minute / 60.0;
        (level - leaked).max(0.0)
    }
}
