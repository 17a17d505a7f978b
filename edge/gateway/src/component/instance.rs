//! The gateway of this instance.

use std::cell::RefCell;

use super::bindings::wasi::cli::environment;
use crate::configuration::Configuration;
use crate::gateway::Gateway;

thread_local! {
    static GATEWAY: RefCell<Option<Gateway>> = const { RefCell::new(None) };
}

/// How long a caller may neither send nor receive a byte, in nanoseconds.
pub(super) const IDLE_TIMEOUT_NS: u64 = 30_000_000_000;

/// Uses the gateway. `None` if it is in use: the host called the instance during a call that cannot be interrupted.
pub(super) fn with_gateway<R>(use_it: impl FnOnce(&mut Gateway) -> R) -> Option<R> {
    GATEWAY.with(|gateway| {
        let mut gateway = gateway.try_borrow_mut().ok()?;
        let gateway = gateway
            .get_or_insert_with(|| Gateway::new(Configuration::from_environment(environment::get_environment())));
        Some(use_it(gateway))
    })
}
