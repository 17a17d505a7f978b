//! The data of one instance's store.

use std::sync::Arc;

use simulated_clock::Clock;
use wasmtime::component::ResourceTable;
use wasmtime::{Engine, ResourceLimiter, Store};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::clocks::{Clocks, Exchanges};
use crate::environment::Environment;
use crate::options::{InstanceOptions, Options};
use crate::outbound::{EgressGate, Outbound};

/// The requests, bodies, streams, headers and timers that a component may hold at once.
const MAX_RESOURCES: usize = 1_000;

/// The elements that a table may have: the limit of the pool, applied without a pool as well.
const MAX_TABLE_ELEMENTS: usize = 20_000;

/// The data of one instance's store.
pub(crate) struct State {
    table: ResourceTable,
    http: WasiHttpCtx,
    gate: EgressGate,
    clock: Clock,
    environment: Environment,
    memory: Memory,
}

/// The memory of an instance's components. Memories never shrink.
struct Memory {
    bytes: usize,
    max_per_component: usize,
}

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let granted = desired <= self.max_per_component;
        if granted {
            self.bytes = self.bytes.saturating_add(desired.saturating_sub(current));
        }
        Ok(granted)
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= MAX_TABLE_ELEMENTS)
    }
}

impl State {
    /// A store for an instance with these options, under the host's limits.
    pub(crate) fn store(
        engine: &Engine,
        options: InstanceOptions,
        limits: &Options,
        outbound: Arc<Outbound>,
    ) -> Store<Self> {
        let mut table = ResourceTable::new();
        table.set_max_capacity(MAX_RESOURCES);
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(limits.max_headers);
        let gate = EgressGate {
            policy: options.egress,
            budget: options.budget,
            outbound,
            exchanges: Exchanges::default(),
            max_requests: limits.max_requests,
            max_request_body: limits.max_request_body,
        };
        let state = Self {
            table,
            http,
            gate,
            clock: options.clock,
            environment: options.environment,
            memory: Memory { bytes: 0, max_per_component: limits.max_memory },
        };
        let mut store = Store::new(engine, state);
        store.limiter(|state| &mut state.memory);
        store.set_hostcall_fuel(limits.max_transfer);
        // A running guest yields at each tick of the epoch. Otherwise its call could not time out: a future that does not return
        // from `poll` cannot be dropped.
        store.epoch_deadline_async_yield_and_update(1);
        store
    }

    pub(crate) fn clocks(&mut self) -> Clocks<'_> {
        Clocks { clock: &self.clock, exchanges: &self.gate.exchanges, table: &mut self.table }
    }

    /// The bytes of memory that the components use.
    pub(crate) fn memory(&self) -> usize {
        self.memory.bytes
    }

    pub(crate) fn environment(&mut self) -> &mut Environment {
        &mut self.environment
    }

    pub(crate) fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.gate, table: &mut self.table, ctx: &mut self.http }
    }
}
