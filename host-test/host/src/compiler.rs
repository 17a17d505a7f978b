//! Options of the compiler.

#![allow(unsafe_code)]

use wasmtime::{Config, Inlining};

/// The size, in instructions of the compiler's intermediate representation, up to which calls are inlined into a function. With
/// more, machine code grows, and short requests become slower.
const MAX_INLINED_SIZE: &str = "200";

/// Inlines small calls within a component.
pub(crate) fn inline_small_calls(config: &mut Config) {
    config.compiler_inlining(Inlining::Yes);
    // SAFETY: the flag decides which calls are inlined, not what the code does.
    unsafe { config.cranelift_flag_set("wasmtime_inlining_sum_size_threshold", MAX_INLINED_SIZE) };
}
