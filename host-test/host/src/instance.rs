//! One instance of a connector.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::Store;

use crate::contract::{Chunk, Connection, DeletionMode, Error, Manifest, Progress, Request, Right, Setting, Task};
use crate::epoch::Epoch;
use crate::error::HostError;
use crate::exports::Exports;
use crate::state::State;

/// One result for each request or task, in order.
pub type Results = Vec<Result<Progress, Error>>;

/// One instance of a connector, with the functions of `wit/connector.wit`.
///
/// Each call fails in two ways. The inner result is the connector's own. The outer one is a [`HostError`]: the connector returned
/// nothing. After a trap or a time-out, and when the future of a call is dropped before its end, the instance is discarded with its
/// connections, and every further call is [`HostError::Spent`].
pub struct Instance {
    /// Absent during a call, and after a call that returned nothing.
    live: Option<(Exports, Store<State>)>,
    epoch: Arc<Epoch>,
    call_timeout: Duration,
}

impl Instance {
    pub(crate) fn new(exports: Exports, store: Store<State>, epoch: Arc<Epoch>, call_timeout: Duration) -> Self {
        Self { live: Some((exports, store)), epoch, call_timeout }
    }

    /// Describes the connector.
    ///
    /// # Errors
    /// As for the [type](Self); so for all calls.
    pub async fn describe(&mut self) -> Result<Manifest, HostError> {
        let (manifest,) =
            self.call(async |exports, store| exports.call(store, exports.functions.describe, ()).await).await?;
        Ok(manifest)
    }

    /// Applies settings: all of them or none.
    ///
    /// # Errors
    /// As for the [type](Self).
    pub async fn configure(&mut self, settings: &[Setting]) -> Result<Result<(), Error>, HostError> {
        let (result,) = self
            .call(async |exports, store| exports.call(store, exports.functions.configure, (settings,)).await)
            .await?;
        Ok(result)
    }

    /// Tests the connection for the given rights.
    ///
    /// # Errors
    /// As for the [type](Self).
    pub async fn check(&mut self, rights: &[Right]) -> Result<Result<Connection, Error>, HostError> {
        let (result,) =
            self.call(async |exports, store| exports.call(store, exports.functions.check, (rights,)).await).await?;
        Ok(result)
    }

    /// Starts access requests: one result for each, in order.
    ///
    /// # Errors
    /// As for the [type](Self).
    pub async fn access(&mut self, requests: &[Request]) -> Result<Results, HostError> {
        let call = async |exports: &Exports, store: &mut Store<State>| {
            exports.call(store, exports.functions.access, (requests,)).await
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
        let call = async |exports: &Exports, store: &mut Store<State>| {
            exports.call(store, exports.functions.delete, (requests, mode)).await
        };
        let (results,) = self.call(call).await?;
        one_for_each(results, requests.len())
    }

    /// Carries out opt-out requests: one result for each, in order.
    ///
    /// # Errors
    /// As for the [type](Self).
    pub async fn opt_out(&mut self, requests: &[Request]) -> Result<Results, HostError> {
        let call = async |exports: &Exports, store: &mut Store<State>| {
            exports.call(store, exports.functions.opt_out, (requests,)).await
        };
        let (results,) = self.call(call).await?;
        one_for_each(results, requests.len())
    }

    /// Advances pending requests: one result for each task, in order.
    ///
    /// # Errors
    /// As for the [type](Self).
    pub async fn poll(&mut self, tasks: &[Task]) -> Result<Results, HostError> {
        let call = async |exports: &Exports, store: &mut Store<State>| {
            exports.call(store, exports.functions.poll, (tasks,)).await
        };
        let (results,) = self.call(call).await?;
        one_for_each(results, tasks.len())
    }

    /// Reads a piece of a remote document.
    ///
    /// # Errors
    /// As for the [type](Self).
    pub async fn read(&mut self, reference: &str, offset: u64, limit: u32) -> Result<Result<Chunk, Error>, HostError> {
        let call = async |exports: &Exports, store: &mut Store<State>| {
            exports.call(store, exports.functions.read, (reference, offset, limit)).await
        };
        let (result,) = self.call(call).await?;
        Ok(result)
    }

    /// Whether further calls can be made: no call has returned nothing so far.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.live.is_some()
    }

    /// The bytes of memory that its components use: memories never shrink. `None` once it is spent.
    #[must_use]
    pub fn memory(&self) -> Option<usize> {
        self.live.as_ref().map(|(_, store)| store.data().memory())
    }

    async fn call<T>(
        &mut self,
        run: impl AsyncFnOnce(&Exports, &mut Store<State>) -> Result<T, HostError>,
    ) -> Result<T, HostError> {
        let (exports, mut store) = self.live.take().ok_or(HostError::Spent)?;
        let call = self.epoch.drive(run(&exports, &mut store));
        let result = tokio::time::timeout(self.call_timeout, call).await.map_err(|_| HostError::TimedOut)??;
        self.live = Some((exports, store));
        Ok(result)
    }
}

/// The results, if there is one for each element: otherwise they cannot be assigned to elements.
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
