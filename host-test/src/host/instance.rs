use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::ResourceTable;
use wasmtime::{Engine, ResourceLimiter, Store};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use super::Options;
use super::bindings::PluginCalls;
use super::bindings::exports::privacy::connector::connector::{self as wire, Guest};
use super::contract::{
    Chunk, Connection, DeletionMode, Error, Given, Manifest, Progress, Request, Right, Setting, Task,
};
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

/// One instance of a connector: its calls, as `wit/connector.wit` documents them.
///
/// Each call has two ways to fail. The inner result is the connector's answer. The outer one is a [`HostError`]: there is no
/// answer. After a trap or a time-out, and when the future of a call is dropped before its end, the instance is thrown
/// away with its connections, and every further call is [`HostError::Spent`].
pub struct Instance {
    /// Taken out for the time of a call, and put back if that ends well.
    live: Option<(PluginCalls, Store<State>)>,
    epoch: Arc<Epoch>,
    call_timeout: Duration,
}

impl Instance {
    pub(super) fn new(calls: PluginCalls, store: Store<State>, epoch: Arc<Epoch>, call_timeout: Duration) -> Self {
        Self { live: Some((calls, store)), epoch, call_timeout }
    }

    /// What the connector is and needs.
    ///
    /// # Errors
    /// As for the [type](Self); so for all calls.
    pub async fn describe(&mut self) -> Result<Manifest, HostError> {
        self.call(async |guest, store| guest.call_describe(store).await).await
    }

    /// Takes the settings, all or none.
    ///
    /// # Errors
    /// As for the [type](Self).
    pub async fn configure(&mut self, settings: &[Setting]) -> Result<Result<(), Error>, HostError> {
        let given = Given::new(settings);
        self.call(async |guest, store| guest.call_configure(store, given.settings()).await).await
    }

    /// Tests the connection for these rights.
    ///
    /// # Errors
    /// As for the [type](Self).
    pub async fn check(&mut self, rights: &[Right]) -> Result<Result<Connection, Error>, HostError> {
        let answer = self.call(async |guest, store| guest.call_check(store, rights).await).await?;
        Ok(answer.map(Connection::from))
    }

    /// Begins an access request. Without an answer its outcome is unknown.
    ///
    /// # Errors
    /// As for the [type](Self).
    pub async fn access(&mut self, request: &Request) -> Result<Result<Progress, Error>, HostError> {
        let request = wire::Request::from(request);
        let answer = self.call(async |guest, store| guest.call_access(store, &request).await).await?;
        Ok(answer.map(Progress::from))
    }

    /// Begins a deletion request. Without an answer its outcome is unknown: something may be deleted.
    ///
    /// # Errors
    /// As for the [type](Self).
    pub async fn delete(
        &mut self,
        request: &Request,
        mode: DeletionMode,
    ) -> Result<Result<Progress, Error>, HostError> {
        let request = wire::Request::from(request);
        let answer = self.call(async |guest, store| guest.call_delete(store, &request, mode).await).await?;
        Ok(answer.map(Progress::from))
    }

    /// Asks how requests stand: one answer a task, in their order.
    ///
    /// # Errors
    /// As for the [type](Self).
    pub async fn poll(&mut self, tasks: &[Task]) -> Result<Vec<Result<Progress, Error>>, HostError> {
        let tasks: Vec<wire::Task> = tasks.iter().map(wire::Task::from).collect();
        let answers = self.call(async |guest, store| guest.call_poll(store, &tasks).await).await?;
        Ok(answers.into_iter().map(|answer| answer.map(Progress::from)).collect())
    }

    /// Reads a piece of a remote document.
    ///
    /// # Errors
    /// As for the [type](Self).
    pub async fn read(&mut self, reference: &str, offset: u64, limit: u32) -> Result<Result<Chunk, Error>, HostError> {
        let answer = self.call(async |guest, store| guest.call_read(store, reference, offset, limit).await).await?;
        Ok(answer.map(Chunk::from))
    }

    /// How many bytes of memory its components have taken so far: the most that they ever needed. None once it is spent.
    #[must_use]
    pub fn memory(&self) -> Option<usize> {
        self.live.as_ref().map(|(_, store)| store.data().memory.bytes)
    }

    async fn call<T>(
        &mut self,
        run: impl AsyncFnOnce(&Guest, &mut Store<State>) -> wasmtime::Result<T>,
    ) -> Result<T, HostError> {
        let (calls, mut store) = self.live.take().ok_or(HostError::Spent)?;
        let call = self.epoch.drive(run(calls.privacy_connector_connector(), &mut store));
        match tokio::time::timeout(self.call_timeout, call).await {
            Ok(Ok(answer)) => {
                self.live = Some((calls, store));
                Ok(answer)
            }
            Ok(Err(error)) => Err(HostError::of_call(&error)),
            Err(_) => Err(HostError::TimedOut),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_send(_: impl Send) {}

    #[allow(dead_code, reason = "that it compiles is the test")]
    fn a_call_may_move_between_threads(instance: &mut Instance, request: &Request, tasks: &[Task]) {
        is_send(instance.describe());
        is_send(instance.configure(&[]));
        is_send(instance.check(&[]));
        is_send(instance.access(request));
        is_send(instance.delete(request, DeletionMode::Preview));
        is_send(instance.poll(tasks));
        is_send(instance.read("", 0, 1));
    }
}
