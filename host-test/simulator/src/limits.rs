//! How often one may call: the fact sheet, section 3.3.

use std::collections::HashMap;
use std::time::Duration;

use super::dialects::TokenLimit;
use super::record::Endpoint;

/// Leaky buckets: each call adds a drop, and a bucket loses as many drops a minute as calls are allowed.
#[derive(Default)]
pub(super) struct Limits {
    /// How full the bucket of an endpoint was, and when; none is the bucket of the whole brand.
    buckets: HashMap<Option<Endpoint>, (f64, Duration)>,
}

impl Limits {
    /// Takes a call, unless it is one too many: then the time until there is room.
    pub(super) fn take(&mut self, endpoint: Endpoint, token_limit: TokenLimit, now: Duration) -> Result<(), Duration> {
        let of_endpoint = match endpoint {
            Endpoint::Token if token_limit == TokenLimit::Ten => 10.0,
            Endpoint::ErasureCreate | Endpoint::ErasureList | Endpoint::ErasureGet => 20.0,
            Endpoint::ExportCreate | Endpoint::ExportProgress | Endpoint::ExportFile => 100.0,
            Endpoint::ContactSearch => 500.0,
            _ => BRAND,
        };
        for (key, per_minute) in [(None, BRAND), (Some(endpoint), of_endpoint)] {
            let level = self.level(key, per_minute, now);
            // A drop that has leaked to within rounding has leaked.
            let excess = level + 1.0 - per_minute - 1e-6;
            if excess > 0.0 {
                return Err(Duration::from_secs_f64(excess * 60.0 / per_minute));
            }
        }
        for (key, per_minute) in [(None, BRAND), (Some(endpoint), of_endpoint)] {
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

/// Calls of a brand in a minute, and of an endpoint that has no limit of its own.
const BRAND: f64 = 3000.0;
