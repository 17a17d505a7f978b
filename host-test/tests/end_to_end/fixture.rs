//! The test fixture: a simulated brand, an instance of the connector, and a simulated clock that both share. The test advances the clock.

use std::net::TcpListener;
use std::sync::{LazyLock, OnceLock};
use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use privacy_host::contract::{
    Attempts, Chunk, Connection, Content, DeletionMode, Document, Error, Finding, Identifier, Outcome, Pending,
    Progress, Report, Request, Right, Setting, Task,
};
use privacy_host::{EgressPolicy, Host, Instance, InstanceOptions, Options as HostOptions, Plugin};
use qualtrics_component::CONNECTOR;
use qualtrics_simulator::{
    Brand, Dialects, Endpoint, MESSAGE_CANARY, Options, SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, SAMPLE_PERSON,
    SAMPLE_PHONE, SAMPLE_REFERENCE, Simulator,
};
use simulated_clock::Clock;

/// A request that is still pending after this many polls fails the test.
const MAX_POLLS: usize = 200;

/// The connector, compiled once for all tests.
pub fn plugin() -> &'static Plugin {
    static PLUGIN: OnceLock<Plugin> = OnceLock::new();
    PLUGIN.get_or_init(|| {
        let host = Host::new(HostOptions::default()).expect("a host");
        host.load(CONNECTOR).expect("the connector")
    })
}

/// The egress policy of every instance permits this server, but the connector must never connect to it.
static UNRELATED_SERVER: LazyLock<TcpListener> = LazyLock::new(|| {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.set_nonblocking(true).expect("a socket");
    listener
});

/// The origin of the unrelated server.
pub fn unrelated_origin() -> String {
    format!("http://{}", UNRELATED_SERVER.local_addr().expect("an address"))
}

/// Asserts that no instance has connected to the unrelated server.
#[track_caller]
pub fn assert_unrelated_server_is_unused() {
    let error = UNRELATED_SERVER.accept().expect_err("no connection");
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
}

/// A simulated brand and a configured instance of the connector.
pub struct Fixture {
    pub simulator: Simulator,
    pub instance: Instance,
    pub settings: Vec<Setting>,
}

impl Fixture {
    /// The sample brand with default settings.
    pub async fn new() -> Self {
        Self::with_options(Brand::sample(), Options::default(), &[]).await
    }

    /// The sample brand with these settings changed.
    pub async fn with_settings(settings: &[(&str, &str)]) -> Self {
        Self::with_options(Brand::sample(), Options::default(), settings).await
    }

    /// The sample brand with these dialects, separated by commas.
    pub async fn with_dialects(dialects: &str) -> Self {
        Self::with_brand(Brand::sample(), dialects).await
    }

    /// A brand with these dialects, separated by commas.
    pub async fn with_brand(brand: Brand, dialects: &str) -> Self {
        let dialects = Dialects::parse(dialects).expect("dialects");
        Self::with_options(brand, Options { dialects, ..Options::default() }, &[]).await
    }

    /// A brand, options of the simulator, and changed settings.
    pub async fn with_options(brand: Brand, options: Options, changed: &[(&str, &str)]) -> Self {
        let simulator = Simulator::start(brand, options).await.expect("a free port");
        let origin = simulator.origin();
        let mut settings = vec![
            ("datacenter-id", "fra1"),
            ("client-id", SAMPLE_CLIENT_ID),
            ("client-secret", SAMPLE_CLIENT_SECRET),
            ("base-url", origin.as_str()),
        ];
        settings.retain(|(key, _)| !changed.iter().any(|(other, _)| other == key));
        settings.extend(changed);
        let settings = settings_of(&settings);
        let instance = new_instance(&simulator, &settings, simulator.clock()).await;
        Self { simulator, instance, settings }
    }

    /// Replaces the instance by a new one.
    pub async fn renew_instance(&mut self) {
        self.instance = new_instance(&self.simulator, &self.settings, self.simulator.clock()).await;
    }

    /// Replaces the instance by a new one with another host clock.
    pub async fn renew_instance_with_clock(&mut self, clock: Clock) {
        self.instance = new_instance(&self.simulator, &self.settings, clock).await;
    }

    /// Replaces the instance by a new one with another OAuth client of the same brand.
    pub async fn renew_instance_as(&mut self, client_id: &str, client_secret: &str) {
        let mut settings = self.settings.clone();
        settings.retain(|setting| !matches!(setting.key.as_str(), "client-id" | "client-secret"));
        settings.extend(settings_of(&[("client-id", client_id), ("client-secret", client_secret)]));
        self.instance = new_instance(&self.simulator, &settings, self.simulator.clock()).await;
    }

    pub fn clock(&self) -> Clock {
        self.simulator.clock()
    }

    /// The seconds since the Unix epoch.
    pub fn now(&self) -> u64 {
        self.clock().since_epoch().as_secs()
    }

    pub fn advance(&self, by: Duration) {
        self.simulator.advance(by);
    }

    pub async fn check(&mut self, rights: &[Right]) -> Result<Connection, Error> {
        self.instance.check(rights).await.expect("a result")
    }

    /// Starts one access request.
    pub async fn access(&mut self, request: &Request) -> Result<Progress, Error> {
        let results = self.instance.access(std::slice::from_ref(request)).await.expect("a result");
        without_leaks(request, only(results))
    }

    /// Starts one deletion request.
    pub async fn delete(&mut self, request: &Request, mode: DeletionMode) -> Result<Progress, Error> {
        let results = self.instance.delete(std::slice::from_ref(request), mode).await.expect("a result");
        without_leaks(request, only(results))
    }

    /// Starts one opt-out request.
    pub async fn opt_out(&mut self, request: &Request) -> Result<Progress, Error> {
        let results = self.instance.opt_out(std::slice::from_ref(request)).await.expect("a result");
        without_leaks(request, only(results))
    }

    /// Polls one request.
    pub async fn poll(&mut self, request: &Request, ticket: &str) -> Result<Progress, Error> {
        let results = self.instance.poll(&[Task::new(request.clone(), ticket)]).await.expect("a result");
        without_leaks(request, only(results))
    }

    pub async fn read(&mut self, reference: &str, offset: u64, limit: u32) -> Result<Chunk, Error> {
        self.instance.read(reference, offset, limit).await.expect("a result")
    }

    /// Polls a request until its final result. The clock advances by the requested delays.
    pub async fn follow(&mut self, request: &Request, started: Result<Progress, Error>) -> Result<Report, Error> {
        let mut progress = started?;
        for _ in 0..MAX_POLLS {
            match progress {
                Progress::Done(report) => return Ok(report),
                Progress::Pending(pending) => {
                    self.advance(Duration::from_millis(pending.poll_after_ms));
                    progress = self.poll(request, &pending.ticket).await?;
                }
            }
        }
        panic!("still pending after {MAX_POLLS} polls");
    }

    /// The report of an access request.
    pub async fn access_report(&mut self, request: &Request) -> Report {
        let started = self.access(request).await;
        self.follow(request, started).await.expect("a report")
    }

    /// The report of a deletion request.
    pub async fn delete_report(&mut self, request: &Request, mode: DeletionMode) -> Report {
        let started = self.delete(request, mode).await;
        self.follow(request, started).await.expect("a report")
    }

    /// The report of an opt-out request.
    pub async fn opt_out_report(&mut self, request: &Request) -> Report {
        let started = self.opt_out(request).await;
        self.follow(request, started).await.expect("a report")
    }

    /// A document's bytes, read in chunks of at most `limit`.
    pub async fn bytes(&mut self, document: &Document, limit: u32) -> Vec<u8> {
        match &document.content {
            Content::Inline(bytes) => bytes.clone(),
            Content::Remote(reference) => self.read_all(reference, limit).await,
        }
    }

    /// The bytes of a remote document, read in chunks of at most `limit`.
    pub async fn read_all(&mut self, reference: &str, limit: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        loop {
            let chunk = self.read(reference, bytes.len() as u64, limit).await.expect("a chunk");
            assert!(chunk.last || !chunk.bytes.is_empty(), "a chunk before the end is empty");
            assert!(chunk.bytes.len() <= limit as usize);
            bytes.extend(&chunk.bytes);
            if chunk.last {
                return bytes;
            }
        }
    }

    /// The endpoints of all calls, in order.
    pub fn endpoints(&self) -> Vec<Endpoint> {
        self.simulator.calls().iter().map(|call| call.endpoint).collect()
    }

    /// How many calls an endpoint received.
    pub fn calls_of(&self, endpoint: Endpoint) -> usize {
        self.simulator.calls().iter().filter(|call| call.endpoint == endpoint).count()
    }

    /// How many erasure jobs, searches not included, cover an address.
    pub fn erasures_of(&self, address: &str) -> usize {
        let erasures = self.simulator.erasures();
        erasures.iter().filter(|job| !job.search_only && job.emails.iter().any(|email| email == address)).count()
    }
}

async fn new_instance(simulator: &Simulator, settings: &[Setting], clock: Clock) -> Instance {
    let egress = EgressPolicy::deny_all().allow(&simulator.origin()).expect("an origin");
    let egress = egress.allow(&unrelated_origin()).expect("an origin");
    let options = InstanceOptions { egress, clock, ..InstanceOptions::default() };
    let mut instance = plugin().instantiate(options).await.expect("an instance");
    instance.configure(settings).await.expect("a result").expect("valid settings");
    instance
}

/// The only result of a call with one request.
fn only(mut results: Vec<Result<Progress, Error>>) -> Result<Progress, Error> {
    assert_eq!(results.len(), 1);
    results.remove(0)
}

pub fn settings_of(pairs: &[(&str, &str)]) -> Vec<Setting> {
    pairs.iter().map(|(key, value)| Setting::new(*key, *value)).collect()
}

/// A request with these identifiers.
pub fn request(id: &str, subject: Vec<Identifier>) -> Request {
    Request::new(id, subject)
}

/// A request with one address.
pub fn request_for(address: &str) -> Request {
    request("request-1", vec![email(address)])
}

/// The request with one earlier attempt, in seconds since the Unix epoch.
pub fn attempted_at(request: &Request, second: u64) -> Request {
    Request { attempts: Some(Attempts::at(second)), ..request.clone() }
}

pub fn email(address: &str) -> Identifier {
    Identifier::email(address)
}

#[track_caller]
pub fn pending(progress: Result<Progress, Error>) -> Pending {
    match progress {
        Ok(Progress::Pending(pending)) => pending,
        other => panic!("not pending: {other:?}"),
    }
}

#[track_caller]
pub fn done(progress: Result<Progress, Error>) -> Report {
    match progress {
        Ok(Progress::Done(report)) => report,
        other => panic!("not done: {other:?}"),
    }
}

/// Asserts the outcome of a report. A failure shows the findings.
#[track_caller]
pub fn assert_outcome(report: &Report, outcome: Outcome) {
    assert_eq!(report.outcome, outcome, "{:#?}", report.findings);
}

/// The first finding of a source.
#[track_caller]
pub fn finding<'r>(report: &'r Report, source: &str) -> &'r Finding {
    let found = report.findings.iter().find(|finding| finding.source == source);
    found.unwrap_or_else(|| panic!("no finding of {source} among {:#?}", report.findings))
}

/// Runs a call while the simulated clock advances. The clock does not advance by itself while the connector waits for a body.
pub async fn with_running_clock<T>(clock: &Clock, call: impl Future<Output = T>) -> T {
    tokio::pin!(call);
    loop {
        tokio::select! {
            biased;
            result = &mut call => return result,
            () = tokio::time::sleep(Duration::from_millis(5)) => clock.advance(Duration::from_millis(100)),
        }
    }
}

/// Asserts that the loggable parts of a result contain no personal data, and returns the result.
#[track_caller]
pub fn without_leaks(request: &Request, result: Result<Progress, Error>) -> Result<Progress, Error> {
    let loggable = match &result {
        Ok(Progress::Pending(pending)) => format!("{pending:?} {}", decoded(&pending.ticket)),
        Ok(Progress::Done(report)) => {
            let Report { right, outcome, findings, documents, gaps, receipt, ticket, discovered: _ } = report;
            let documents = documents.iter().map(|Document { name, media_type, source, size, content }| {
                let reference = match content {
                    Content::Inline(_) => String::new(),
                    Content::Remote(reference) => format!("{reference} {}", decoded(reference)),
                };
                format!("{name} {media_type} {source} {size:?} {reference}")
            });
            let documents: Vec<String> = documents.collect();
            let ticket = ticket.as_deref().map(decoded);
            format!("{right:?} {outcome:?} {findings:?} {gaps:?} {receipt:?} {ticket:?} {documents:?}")
        }
        Err(error) => format!("{error:?}"),
    };
    let values = request.subject.iter().map(|identifier| match identifier {
        Identifier::Email(value) | Identifier::Phone(value) => value,
        Identifier::ExternalId(value) | Identifier::Other((_, value)) => value,
    });
    let values: Vec<&str> = values.map(|value| value.trim()).filter(|value| value.len() > 5).collect();
    assert_no_leak(&loggable, &values);
    result
}

/// Asserts that a loggable text contains none of these values, no vendor message and no secret.
#[track_caller]
pub fn assert_no_leak(loggable: &str, values: &[&str]) {
    let loggable = loggable.to_lowercase();
    let private = [MESSAGE_CANARY, SAMPLE_CLIENT_SECRET, SAMPLE_PERSON, SAMPLE_PHONE, SAMPLE_REFERENCE, "Lovelace"];
    for private in private.iter().chain(values) {
        assert!(!loggable.contains(&private.to_lowercase()), "{private} is part of {loggable}");
    }
}

/// The decoded payload of a ticket or a reference.
fn decoded(text: &str) -> String {
    let part = text.split('.').nth(1).unwrap_or_default();
    String::from_utf8_lossy(&URL_SAFE_NO_PAD.decode(part).expect("base64")).into_owned()
}
