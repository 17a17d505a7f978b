//! The connector as a component, in the host of this package.

use std::time::Duration;

use host_test::COMPONENT;
use host_test::clock::Clock;
use host_test::host::contract::{Content, DeletionMode, Identifier, Outcome, Progress, Report, Request, Setting, Task};
use host_test::host::{EgressPolicy, Host, Instance, InstanceOptions, Options, Plugin};
use host_test::performance::{Flow, Way};
use tokio::runtime::Runtime;

use crate::brand::{Connection, PERSON};
use crate::meter::Sample;
use crate::requests::{Contestant, PAUSE};

/// How much is read of a document at once.
pub const PIECE: u32 = 64 * 1024;

/// The host, on one thread.
pub struct InHost {
    pub runtime: Runtime,
    pub plugin: Plugin,
    turned_to: Option<Connection>,
    kept: Option<Kept>,
}

/// An instance that serves one request after the other.
struct Kept {
    instance: Instance,
    clock: Clock,
}

impl InHost {
    pub fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        Self { runtime, plugin: plugin(16), turned_to: None, kept: None }
    }
}

/// The connector, with room for so many instances.
pub fn plugin(max_instances: u32) -> Plugin {
    let host = Host::new(Options { max_instances, ..Options::default() }).expect("a host");
    host.load(COMPONENT).expect("the connector")
}

impl Contestant for InHost {
    fn name(&self) -> &'static str {
        "component"
    }

    fn turn_to(&mut self, connection: &Connection, way: Way) {
        let Self { runtime, plugin, turned_to, kept } = self;
        *turned_to = Some(connection.clone());
        *kept = (way == Way::Kept).then(|| {
            let clock = made_clock();
            let options = InstanceOptions { clock: clock.clone(), ..options(connection) };
            Kept { instance: runtime.block_on(configured_with(plugin, connection, options)), clock }
        });
    }

    fn serve(&mut self, flow: Flow) -> Sample {
        let Self { runtime, plugin, turned_to, kept } = self;
        let connection = turned_to.as_ref().expect("a brand");
        let (sample, report) = match kept {
            None => Sample::of(|| runtime.block_on(serve(plugin, connection, flow))),
            Some(Kept { instance, clock }) => {
                clock.advance(PAUSE);
                Sample::of(|| runtime.block_on(serve_on(instance, flow)))
            }
        };
        assert_eq!(report.outcome, expected(flow), "{:?}", report.findings);
        sample
    }
}

/// A clock that shows the present second, and goes on from there as it is moved.
pub fn made_clock() -> Clock {
    Clock::made(Clock::system().since_epoch().as_secs())
}

/// What a request about [`PERSON`] comes to.
pub fn expected(flow: Flow) -> Outcome {
    match flow {
        Flow::Access => Outcome::Found,
        Flow::Preview => Outcome::Previewed,
        Flow::Erase => Outcome::Erased,
        Flow::EraseAndVerify => Outcome::Verified,
    }
}

/// Serves a request to its end on an instance of its own, and reads all documents.
pub async fn serve(plugin: &Plugin, connection: &Connection, flow: Flow) -> Report {
    serve_on(&mut configured(plugin, connection).await, flow).await
}

/// Serves a request to its end, and reads all documents.
async fn serve_on(instance: &mut Instance, flow: Flow) -> Report {
    let request = about(PERSON);
    let mode = match flow {
        Flow::Access => None,
        Flow::Preview => Some(DeletionMode::Preview),
        Flow::Erase => Some(DeletionMode::Erase),
        Flow::EraseAndVerify => Some(DeletionMode::EraseAndVerify),
    };
    let begun = match mode {
        None => instance.access(&request).await,
        Some(mode) => instance.delete(&request, mode).await,
    };
    let mut progress = begun.expect("an answer").expect("progress");
    let report = loop {
        match progress {
            Progress::Done(report) => break report,
            // The jobs of the simulated brand end at once: there is nothing to wait for.
            Progress::Pending(pending) => {
                let task = Task { request: request.clone(), ticket: pending.ticket };
                progress = instance.poll(&[task]).await.expect("an answer").remove(0).expect("progress");
            }
        }
    };
    for document in &report.documents {
        if let Content::Remote(reference) = &document.content {
            read_whole(instance, reference, |_, _| ()).await;
        }
    }
    report
}

/// Reads a document to its end, piece by piece: its length. `each` sees every piece.
pub async fn read_whole(instance: &mut Instance, reference: &str, mut each: impl FnMut(&Instance, u64)) -> u64 {
    let mut offset = 0;
    loop {
        let chunk = instance.read(reference, offset, PIECE).await.expect("an answer").expect("a piece");
        offset += chunk.bytes.len() as u64;
        each(instance, offset);
        if chunk.last {
            return offset;
        }
    }
}

/// An instance that is ready to call this brand.
pub async fn configured(plugin: &Plugin, connection: &Connection) -> Instance {
    configured_with(plugin, connection, options(connection)).await
}

async fn configured_with(plugin: &Plugin, connection: &Connection, options: InstanceOptions) -> Instance {
    let mut instance = plugin.instantiate(options).await.expect("an instance");
    instance.configure(&settings(connection)).await.expect("an answer").expect("good settings");
    instance
}

/// What an instance may do that calls this brand.
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
    pairs.into_iter().map(|(key, value)| Setting { key: key.to_owned(), value: value.to_owned() }).collect()
}

/// A request about one address.
pub fn about(address: &str) -> Request {
    Request {
        key: "request-1".to_owned(),
        subject: vec![Identifier::Email(address.to_owned())],
        first_attempt_at: None,
        confirmed: Vec::new(),
        extra: Vec::new(),
    }
}
