use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::ResourceTable;
use wasmtime::{Engine, ResourceLimiter, Store};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use super::Options;
use super::calls::Calls;
use super::contract::{Chunk, Connection, DeletionMode, Error, Manifest, Progress, Request, Right, Setting, Task};
use super::environment::Environment;
use super::epoch::Epoch;
use super::error::HostError;
use super::outbound::{Gate, Outbound};
use super::plugin::InstanceOptions;
use super::time::{Time, UnderWay};
use crate::clock::Clock;

/// How many requests, bodies, streams, headers and timers a connector may hold at once.
const MAX_RESOURCES: usize = 1_000;

/// How many elements a table may have: as many as there is room for in the pool, whether there is a pool or not.
const MAX_TABLE_ELEMENTS: usize = 20_000;

/// All that the host keeps for one instance.
pub(super) struct State {
    table: ResourceTable,
    http: WasiHttpCtx,
    gate: Gate,
    clock: Clock,
    environment: Environment,
    memory: Memory,
}

/// The memory of an instance's components. It never shrinks.
struct Memory {
    bytes: usize,
    /// How many each component may have.
    most_each: usize,
}

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let granted = desired <= self.most_each;
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
    pub(super) fn store(engine: &Engine, of: InstanceOptions, host: &Options, outbound: Arc<Outbound>) -> Store<Self> {
        let mut table = ResourceTable::new();
        table.set_max_capacity(MAX_RESOURCES);
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(host.max_headers);
        let gate = Gate {
            policy: of.egress,
            budget: of.budget,
            outbound,
            under_way: UnderWay::default(),
            max_requests: host.max_requests,
            max_request_body: host.max_request_body,
        };
        let state = Self {
            table,
            http,
            gate,
            clock: of.clock,
            environment: of.environment,
            memory: Memory { bytes: 0, most_each: host.max_memory },
        };
        let mut store = Store::new(engine, state);
        store.limiter(|state| &mut state.memory);
        store.set_hostcall_fuel(host.max_transfer);
        // At each tick a running guest gives way. That lets the time limit of its call strike, which otherwise it could not:
        // a future that does not return cannot be dropped.
        store.epoch_deadline_async_yield_and_update(1);
        store
    }

    pub(super) fn time(&mut self) -> Time<'_> {
        Time { clock: &self.clock, under_way: &self.gate.under_way, table: &mut self.table }
    }

    pub(super) fn environment(&mut self) -> &mut Environment {
        &mut self.environment
    }

    pub(super) fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.gate, table: &mut self.table, ctx: &mut self.http }
    }
}

/// One result for each request or task, in their order.
type Results = Vec<Result<Progress, Error>>;

/// One instance of a connector: its calls, as `wit/connector.wit` documents them.
///
/// Each call fails in two ways. The inner result is the connector's own. The outer one is a [`HostError`]: the connector returned
/// nothing. After a trap or a time-out, and when the future of a call is dropped before its end, the instance is discarded with its
/// connections, and every further call is [`HostError::Spent`].
pub struct Instance {
    /// Taken out during a call, and put back if the call returns.
    live: Option<(Calls, Store<State>)>,
    epoch: Arc<Epoch>,
    call_timeout: Duration,
}

impl Instance {
    pub(super) fn new(calls: Calls, store: Store<State>, epoch: Arc<Epoch>, call_timeout: Duration) -> Self {
        Self { live: Some((calls, store)), epoch, call_timeout }
    }

    /// Describes the connector.
    ///
    /// # Errors
    /// As for the [type](Self); so for all calls.
    pub async fn describe(&mut self) -> Result<Manifest, HostError> {
        let (manifest,) = self.call(async |calls, store| calls.call(store, calls.functions.describe, ()).await).await?;
        Ok(manifest)
    }

    /// Applies settings: all of them or none.
    ///
    /// # Errors
    /// As for the [type](Self).
    pub async fn configure(&mut self, settings: &[Setting]) -> Result<Result<(), Error>, HostError> {
        let (result,) =
            self.call(async |calls, store| calls.call(store, calls.functions.configure, (settings,)).await).await?;
        Ok(result)
    }

    /// Tests the connection for the given rights.
    ///
    /// # Errors
    /// As for the [type](Self).
    pub async fn check(&mut self, rights: &[Right]) -> Result<Result<Connection, Error>, HostError> {
        let (result,) =
            self.call(async |calls, store| calls.call(store, calls.functions.check, (rights,)).await).await?;
        Ok(result)
    }

    /// Starts access requests: one result for each, in order.
    ///
    /// # Errors
    /// As for the [type](Self).
    pub async fn access(&mut self, requests: &[Request]) -> Result<Results, HostError> {
        let call = async |calls: &Calls, store: &mut Store<State>| {
            calls.call(store, calls.functions.access, (requests,)).await
        };
        let (results,) = self.call(call).await?;
        one_for_each(results, requests.len())
    }

    /// Starts deletion requests: one result for each, in order. Without a result the outcome of each is unknown: something may be
    /// deleted.
    ///
    /// # Errors
    /// As for the [type](Self).
    pub async fn delete(&mut self, requests: &[Request], mode: DeletionMode) -> Result<Results, HostError> {
        let call = async |calls: &Calls, store: &mut Store<State>| {
            calls.call(store, calls.functions.delete, (requests, mode)).await
        };
        let (results,) = self.call(call).await?;
        one_for_each(results, requests.len())
    }

    /// Carries out opt-out requests: one result for each, in order.
    ///
    /// # Errors
    /// As for the [type](Self).
    pub async fn opt_out(&mut self, requests: &[Request]) -> Result<Results, HostError> {
        let call = async |calls: &Calls, store: &mut Store<State>| {
            calls.call(store, calls.functions.opt_out, (requests,)).await
        };
        let (results,) = self.call(call).await?;
        one_for_each(results, requests.len())
    }

    /// Advances pending requests: one result for each task, in order.
    ///
    /// # Errors
    /// As for the [type](Self).
    pub async fn poll(&mut self, tasks: &[Task]) -> Result<Results, HostError> {
        let call =
            async |calls: &Calls, store: &mut Store<State>| calls.call(store, calls.functions.poll, (tasks,)).await;
        let (results,) = self.call(call).await?;
        one_for_each(results, tasks.len())
    }

    /// Reads a piece of a remote document.
    ///
    /// # Errors
    /// As for the [type](Self).
    pub async fn read(&mut self, reference: &str, offset: u64, limit: u32) -> Result<Result<Chunk, Error>, HostError> {
        let call = async |calls: &Calls, store: &mut Store<State>| {
            calls.call(store, calls.functions.read, (reference, offset, limit)).await
        };
        let (result,) = self.call(call).await?;
        Ok(result)
    }

    /// How many bytes of memory its components have taken so far: the most that they ever needed. None once it is spent.
    #[must_use]
    pub fn memory(&self) -> Option<usize> {
        self.live.as_ref().map(|(_, store)| store.data().memory.bytes)
    }

    async fn call<T>(
        &mut self,
        run: impl AsyncFnOnce(&Calls, &mut Store<State>) -> Result<T, HostError>,
    ) -> Result<T, HostError> {
        let (calls, mut store) = self.live.take().ok_or(HostError::Spent)?;
        let call = self.epoch.drive(run(&calls, &mut store));
        let result = tokio::time::timeout(self.call_timeout, call).await.map_err(|_| HostError::TimedOut)??;
        self.live = Some((calls, store));
        Ok(result)
    }
}

/// The results, if the connector returned as many as it was given elements: otherwise they cannot be told apart.
fn one_for_each(results: Results, elements: usize) -> Result<Results, HostError> {
    if results.len() == elements { Ok(results) } else { Err(HostError::Miscounted) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_send(_: impl Send) {}

    #[allow(dead_code, reason = "that it compiles is the test")]
    fn a_call_may_move_between_threads(instance: &mut Instance, requests: &[Request], tasks: &[Task]) {
        is_send(instance.describe());
        is_send(instance.configure(&[]));
        is_send(instance.check(&[]));
        is_send(instance.access(requests));
        is_send(instance.delete(requests, DeletionMode::Preview));
        is_send(instance.poll(tasks));
        is_send(instance.read("", 0, 1));
    }
}
