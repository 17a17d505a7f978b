//! The wasmtime engine: how components are compiled, and how memory for instances is reserved.

use wasmtime::{Config, Enabled, Engine, PoolingAllocationConfig};

use crate::compiler::inline_small_calls;
use crate::error::HostError;
use crate::options::Options;

/// A component consists of up to this many core instances: its own, and adapters for its imports.
const CORE_INSTANCES_PER_COMPONENT: u32 = 4;

/// The memory of a slot that stays mapped when its instance is dropped, so that the next instance does not fault each page in
/// again. Pages that were written to are zeroed.
const KEEP_RESIDENT: usize = 1 << 20;

/// The size of a 32-bit address space. With this much reserved for each memory, compiled code needs no bounds checks.
pub(crate) const ADDRESS_SPACE: u64 = 1 << 32;

/// Whether the kernel reports which pages were written to, so that only those are zeroed.
#[derive(Clone, Copy)]
pub(crate) enum DirtyPages {
    Tracked,
    Untracked,
}

/// The fastest engine that the system supports. Without tracking of dirty pages, a used slot is zeroed as a whole; with too little
/// address space, compiled code checks bounds.
pub(crate) fn engine(options: &Options) -> wasmtime::Result<Engine> {
    let smallest = options.max_memory as u64;
    let reservation = if options.pooled { ADDRESS_SPACE } else { smallest };
    Engine::new(&config(options, reservation, DirtyPages::Tracked))
        .or_else(|_| Engine::new(&config(options, reservation, DirtyPages::Untracked)))
        .or_else(|_| Engine::new(&config(options, smallest, DirtyPages::Tracked)))
        .or_else(|_| Engine::new(&config(options, smallest, DirtyPages::Untracked)))
}

pub(crate) fn config(options: &Options, reservation: u64, dirty_pages: DirtyPages) -> Config {
    let mut config = Config::new();
    if options.pooled {
        config.allocation_strategy(pool(options, dirty_pages));
    }
    config.memory_reservation(reservation).epoch_interruption(true).concurrency_support(false);
    inline_small_calls(&mut config);
    config
}

fn pool(options: &Options, dirty_pages: DirtyPages) -> PoolingAllocationConfig {
    let components = options.max_components;
    let core_instances = components.saturating_mul(CORE_INSTANCES_PER_COMPONENT);
    let mut pool = PoolingAllocationConfig::new();
    // The limits per component keep one file from using more than its share: such a file does not load.
    pool.total_component_instances(options.max_instances)
        .total_memories(options.max_instances.saturating_mul(components))
        .max_memories_per_component(components)
        .total_stacks(options.max_instances)
        .total_core_instances(options.max_instances.saturating_mul(core_instances))
        .max_core_instances_per_component(core_instances)
        .total_tables(options.max_instances.saturating_mul(core_instances))
        .max_tables_per_component(core_instances)
        .max_memory_size(options.max_memory);
    if matches!(dirty_pages, DirtyPages::Tracked) {
        pool.pagemap_scan(Enabled::Yes).linear_memory_keep_resident(KEEP_RESIDENT).table_keep_resident(KEEP_RESIDENT);
    }
    pool
}

/// A core module with one empty function, `f`.
const PROBE: &[u8] = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x07\x05\x01\x01f\0\0\x0a\x04\x01\x02\0\x0b";

/// Checks that compiled code of this engine can be interrupted. A guest in an endless loop could not be stopped otherwise.
///
/// # Errors
/// [`HostError::Options`].
pub(crate) fn check_interruption(engine: &Engine) -> Result<(), HostError> {
    let call = || -> wasmtime::Result<wasmtime::Result<()>> {
        let mut store = wasmtime::Store::new(engine, ());
        // Already in the past: a function that checks the epoch traps at its entry.
        store.set_epoch_deadline(0);
        let module = wasmtime::Module::new(engine, PROBE)?;
        let instance = wasmtime::Instance::new(&mut store, &module, &[])?;
        let function = instance.get_typed_func::<(), ()>(&mut store, "f")?;
        Ok(function.call(&mut store, ()))
    };
    let options = |why: &str| Err(HostError::Options(why.to_owned()));
    match call() {
        Ok(Err(error)) if error.downcast_ref() == Some(&wasmtime::Trap::Interrupt) => Ok(()),
        Ok(Err(error)) if error.downcast_ref() == Some(&wasmtime::Trap::OutOfFuel) => {
            options("the engine must not limit fuel: leave out `Config::consume_fuel(true)`")
        }
        Ok(_) => options("the engine needs `Config::epoch_interruption(true)`"),
        Err(error) => options(&format!("{error:#}")),
    }
}
