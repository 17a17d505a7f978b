//! What the standard library would bring: memory, and an end for panics.
//!
//! It would bring the text of every panic, too, and all that it takes to print it, to a host that shows it to nobody.

use core::panic::PanicInfo;

use dlmalloc::GlobalDlmalloc;

/// The allocator that the standard library has for this target.
#[global_allocator]
static MEMORY: GlobalDlmalloc = GlobalDlmalloc;

/// A panic is a trap.
#[panic_handler]
fn trap(_: &PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
