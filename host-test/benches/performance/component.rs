//! The connector as a component, in the host of this package.

use std::time::Duration;

use host_test::COMPONENT;
use host_test::clock::Clock;
use host_test::host::contract::{
    Content, DeletionMode, Error, Identifier, Outcome, Progress, Report, Request, Setting, Task,
};
use host_test::host::{EgressPolicy, Host, HostError, Instance, InstanceOptions, Options, Plugin};
use host_test::performance::{Flow, Way};
use tokio::runtime::Runtime;

use crate::brand::{Connection, PERSON};
use crate::meter::Sample;
use crate::requests::{Contestant, PAUSE};

/// The bytes that one call of `read` asks for.
pub const CHUNK_BYTES: u32 = 64 * 1024;

/// The host, on one thread.
pub struct InHost {
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

impl InHost {
    pub fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        Self { runtime, plugin: plugin(16), connection: None, reused: None }
    }
}

/// The connector, with room for this many instances.
pub fn plugin(max_instances: u32) -> Plugin {
    let host = Host::new(Options { max_instances, ..Options::default() }).expect("a host");
    host.load(COMPONENT).expect("the connector")
}

impl Contestant for InHost {
    fn name(&self) -> &'static str {
        "component"
    }

    fn turn_to(&mut self, connection: &Connection, way: Way) {
        self.connection = Some(connection.clone());
        let Self { runtime, plugin, reused, .. } = self;
        *reused = (way == Way::Kept).then(|| {
            let clock = simulated_clock();
            let options = InstanceOptions { clock: clock.clone(), ..options(connection) };
            Reused { instance: runtime.block_on(configured_with(plugin, connection, options)), clock }
        });
    }

    fn serve(&mut self, flow: Flow) -> Sample {
        let Self { runtime, plugin, connection, reused } = self;
        let connection = connection.as_ref().expect("a brand");
        let (sample, report) = match reused {
            None => Sample::of(|| runtime.block_on(serve(plugin, connection, flow))),
            Some(Reused { instance, clock }) => {
                clock.advance(PAUSE);
                Sample::of(|| runtime.block_on(serve_on(instance, flow)))
            }
        };
        assert_eq!(report.outcome, expected(flow), "{:?}", report.findings);
        sample
    }
}

/// A simulated clock that starts at the present second.
pub fn simulated_clock() -> Clock {
    Clock::made(Clock::system().since_epoch().as_secs())
}

/// The outcome of a request for [`PERSON`].
pub fn expected(flow: Flow) -> Outcome {
    match flow {
        Flow::Access => Outcome::Found,
        Flow::Preview => Outcome::Previewed,
        Flow::Erase => Outcome::Deleted,
        Flow::EraseAndVerify => Outcome::Verified,
    }
}

/// Serves a request to its end on an instance of its own, and reads all documents.
pub async fn serve(plugin: &Plugin, connection: &Connection, flow: Flow) -> Report {
    serve_on(&mut configured(plugin, connection).await, flow).await
}

/// Serves a request to its end, and reads all documents.
async fn serve_on(instance: &mut Instance, flow: Flow) -> Report {
    let request = request("request-1", PERSON);
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
    let report = finish(instance, &request, single(started)).await;
    for document in &report.documents {
        if let Content::Remote(reference) = &document.content {
            read_whole(instance, reference, |_, _| ()).await;
        }
    }
    report
}

/// Polls a request to its end. The jobs of the simulated brand complete at once, so there is nothing to wait for.
pub async fn finish(instance: &mut Instance, request: &Request, mut progress: Progress) -> Report {
    loop {
        match progress {
            Progress::Done(report) => return report,
            Progress::Pending(pending) => {
                progress = single(instance.poll(&[Task::new(request.clone(), pending.ticket)]).await);
            }
        }
    }
}

/// The progress that a call with one element returns.
///
/// # Panics
/// If there is none.
pub fn single(results: Result<Vec<Result<Progress, Error>>, HostError>) -> Progress {
    results.expect("results").remove(0).expect("progress")
}

/// Reads a document to its end, chunk by chunk, and returns its length. `each` is called with every offset.
pub async fn read_whole(instance: &mut Instance, reference: &str, mut each: impl FnMut(&Instance, u64)) -> u64 {
    let mut offset = 0;
    loop {
        let chunk = instance.read(reference, offset, CHUNK_BYTES).await.expect("a result").expect("a chunk");
        offset += chunk.bytes.len() as u64;
        each(instance, offset);
        if chunk.last {
            return offset;
        }
    }
}

/// An instance with a connection to this brand.
pub async fn configured(plugin: &Plugin, connection: &Connection) -> Instance {
    configured_with(plugin, connection, options(connection)).await
}

async fn configured_with(plugin: &Plugin, connection: &Connection, options: InstanceOptions) -> Instance {
    let mut instance = plugin.instantiate(options).await.expect("an instance");
    instance.configure(&settings(connection)).await.expect("a result").expect("valid settings");
    instance
}

/// The options of an instance with a connection to this brand.
fn options(connection: &Connection) -> InstanceOptions {
    let egress = EgressPolicy::deny_all().allow(&connection.origin).expect("an origin");
    InstanceOptions { egress, call_timeout: Duration::from_secs(300), ..InstanceOptions::default() }
}

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

/// A request for one address.
pub fn request(id: &str, address: &str) -> Request {
    Request::new(id, [Identifier::email(address)])
}
