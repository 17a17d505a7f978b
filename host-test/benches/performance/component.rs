//! The connector as a component, in the wasmtime host.

use std::time::Duration;

use privacy_host::contract::{
    Content, DeletionMode, Error, Identifier, Outcome, Progress, Report, Request, Setting, Task,
};
use privacy_host::{EgressPolicy, Host, HostError, Instance, InstanceOptions, Options, Plugin};
use qualtrics_component::CONNECTOR;
use simulated_clock::Clock;
use tokio::runtime::Runtime;

use crate::brand::{DATA_SUBJECT, current_thread_runtime};
use crate::client::{Client, REQUEST_INTERVAL};
use crate::connection::Connection;
use crate::meter::Sample;
use crate::results::{Flow, Reuse};

/// The number of bytes that one call of `read` requests.
pub const CHUNK_BYTES: u32 = 64 * 1024;

/// The component in its host, on one thread.
pub struct ComponentClient {
    pub runtime: Runtime,
    pub plugin: Plugin,
    connection: Option<Connection>,
    reused: Option<Reused>,
}

/// An instance that serves one request after the other.
struct Reused {
    instance: Instance,
    clock: Clock,
}

impl ComponentClient {
    pub fn new() -> Self {
        Self { runtime: current_thread_runtime(), plugin: plugin(16), connection: None, reused: None }
    }
}

/// Loads the connector into a host that supports this number of instances.
pub fn plugin(max_instances: u32) -> Plugin {
    let host = Host::new(Options { max_instances, ..Options::default() }).expect("failed to set up a host");
    host.load(CONNECTOR).expect("failed to load the connector")
}

impl Client for ComponentClient {
    fn name(&self) -> &'static str {
        "component"
    }

    fn select_brand(&mut self, connection: &Connection, reuse: Reuse) {
        self.connection = Some(connection.clone());
        let Self { runtime, plugin, reused, .. } = self;
        *reused = (reuse == Reuse::Kept).then(|| {
            let clock = simulated_clock();
            let options = InstanceOptions { clock: clock.clone(), ..options(connection) };
            Reused { instance: runtime.block_on(configured_with(plugin, connection, options)), clock }
        });
    }

    fn serve(&mut self, flow: Flow) -> Sample {
        let Self { runtime, plugin, connection, reused } = self;
        let connection = connection.as_ref().expect("no brand is selected");
        let (sample, report) = match reused {
            None => Sample::of(|| runtime.block_on(serve(plugin, connection, flow))),
            Some(Reused { instance, clock }) => {
                clock.advance(REQUEST_INTERVAL);
                Sample::of(|| runtime.block_on(serve_on(instance, flow)))
            }
        };
        assert_eq!(report.outcome, expected_outcome(flow), "{:?}", report.findings);
        sample
    }
}

/// A simulated clock that starts at the current second.
pub fn simulated_clock() -> Clock {
    Clock::simulated(Clock::system().since_epoch().as_secs())
}

/// The outcome of a request for [`DATA_SUBJECT`].
fn expected_outcome(flow: Flow) -> Outcome {
    match flow {
        Flow::Access => Outcome::Found,
        Flow::Preview => Outcome::Previewed,
        Flow::Erase => Outcome::Deleted,
        Flow::EraseAndVerify => Outcome::Verified,
    }
}

/// Serves a request on a new instance until it is done, and reads all documents.
pub async fn serve(plugin: &Plugin, connection: &Connection, flow: Flow) -> Report {
    serve_on(&mut configured(plugin, connection).await, flow).await
}

/// Serves a request on this instance until it is done, and reads all documents.
async fn serve_on(instance: &mut Instance, flow: Flow) -> Report {
    let request = request("request-1", DATA_SUBJECT);
    let mode = match flow {
        Flow::Access => None,
        Flow::Preview => Some(DeletionMode::Preview),
        Flow::Erase => Some(DeletionMode::Erase),
        Flow::EraseAndVerify => Some(DeletionMode::EraseAndVerify),
    };
    let started = match mode {
        None => instance.access(std::slice::from_ref(&request)).await,
        Some(mode) => instance.delete(std::slice::from_ref(&request), mode).await,
    };
    let report = poll_until_done(instance, &request, single(started)).await;
    for document in &report.documents {
        if let Content::Remote(reference) = &document.content {
            read_to_end(instance, reference, |_, _| ()).await;
        }
    }
    report
}

/// Polls a request until it is done. Jobs of the simulated brand complete at once, so that there is no delay between polls.
pub async fn poll_until_done(instance: &mut Instance, request: &Request, mut progress: Progress) -> Report {
    loop {
        match progress {
            Progress::Done(report) => return report,
            Progress::Pending(pending) => {
                progress = single(instance.poll(&[Task::new(request.clone(), pending.ticket)]).await);
            }
        }
    }
}

/// The result of a call with one element.
///
/// # Panics
/// If the call or the element failed.
pub fn single(results: Result<Vec<Result<Progress, Error>>, HostError>) -> Progress {
    results.expect("the call failed").remove(0).expect("the request failed")
}

/// Reads a document to its end, chunk by chunk, and returns its length. Calls `after_chunk` with the offset after each chunk.
pub async fn read_to_end(instance: &mut Instance, reference: &str, mut after_chunk: impl FnMut(&Instance, u64)) -> u64 {
    let mut offset = 0;
    loop {
        let chunk = instance.read(reference, offset, CHUNK_BYTES).await.expect("the call failed");
        let chunk = chunk.expect("failed to read the document");
        offset += chunk.bytes.len() as u64;
        after_chunk(instance, offset);
        if chunk.last {
            return offset;
        }
    }
}

/// An instance that is configured for this brand.
pub async fn configured(plugin: &Plugin, connection: &Connection) -> Instance {
    configured_with(plugin, connection, options(connection)).await
}

async fn configured_with(plugin: &Plugin, connection: &Connection, options: InstanceOptions) -> Instance {
    let mut instance = plugin.instantiate(options).await.expect("failed to instantiate the component");
    instance.configure(&settings(connection)).await.expect("the call failed").expect("the settings are invalid");
    instance
}

/// The options of an instance for this brand.
fn options(connection: &Connection) -> InstanceOptions {
    let egress = EgressPolicy::deny_all().allow(&connection.origin).expect("the origin is invalid");
    InstanceOptions { egress, call_timeout: Duration::from_secs(300), ..InstanceOptions::default() }
}

/// The settings of an instance for this brand.
pub fn settings(connection: &Connection) -> Vec<Setting> {
    let pairs = [
        ("datacenter-id", "fra1"),
        ("client-id", connection.client_id.as_str()),
        ("client-secret", connection.client_secret.as_str()),
        ("base-url", connection.origin.as_str()),
        ("rate-share", "100"),
    ];
    pairs.into_iter().map(|(key, value)| Setting::new(key, value)).collect()
}

/// A request with one email address.
pub fn request(id: &str, address: &str) -> Request {
    Request::new(id, [Identifier::email(address)])
}
