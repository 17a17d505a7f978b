//! How components are compiled.

#![allow(unsafe_code)]

use wasmtime::{Config, Inlining};

/// Up to how many instructions of the compiler's a function may come to by the calls that are inlined into it. With more, the
/// machine code grows, and requests that take few steps become slower (`docs/performance/changes.md`).
const MOST_INSTRUCTIONS: &str = "200";

/// Has small calls within a component inlined: components are built small, and call small functions very often.
pub(super) fn inline_small_calls(config: &mut Config) {
    config.compiler_inlining(Inlining::Yes);
    // SAFETY: This decides where code is repeated, and not what it does.
    unsafe { config.cranelift_flag_set("wasmtime_inlining_sum_size_threshold", MOST_INSTRUCTIONS) };
}
