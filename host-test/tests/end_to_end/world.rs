//! A brand, the connector in its sandbox, and a clock that both share and the test moves.

use std::net::TcpListener;
use std::sync::{LazyLock, OnceLock};
use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use host_test::COMPONENT;
use host_test::clock::Clock;
use host_test::host::contract::{
    Chunk, Connection, Content, DeletionMode, Document, Error, Finding, Identifier, Outcome, Pending, Progress, Report,
    Request, Right, Setting, Task,
};
use host_test::host::{EgressPolicy, Host, Instance, InstanceOptions, Options as HostOptions, Plugin};
use host_test::simulator::{
    Brand, Dialects, Endpoint, MESSAGE_CANARY, Options, SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, SAMPLE_PERSON,
    SAMPLE_PHONE, SAMPLE_REFERENCE, Simulator,
};

/// Compiled once for all tests.
pub fn plugin() -> &'static Plugin {
    static PLUGIN: OnceLock<Plugin> = OnceLock::new();
    PLUGIN.get_or_init(|| {
        let host = Host::new(HostOptions::default()).expect("a host");
        host.load(COMPONENT).expect("the connector")
    })
}

/// A server that waits for a call, with a token perhaps. Every instance is permitted to call it, and none has a reason to.
static ANOTHER: LazyLock<TcpListener> = LazyLock::new(|| {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.set_nonblocking(true).expect("a socket");
    listener
});

/// Where it waits.
pub fn another_origin() -> String {
    format!("http://{}", ANOTHER.local_addr().expect("an address"))
}

/// Nobody has called it.
#[track_caller]
pub fn assert_another_waits() {
    let error = ANOTHER.accept().expect_err("nobody connects to another server");
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
}

/// A simulated brand, and one configured instance of the connector.
pub struct World {
    pub simulator: Simulator,
    pub instance: Instance,
    pub settings: Vec<Setting>,
}

impl World {
    /// The sample brand, with default settings.
    pub async fn new() -> Self {
        Self::of(Brand::sample(), Options::default(), &[]).await
    }

    /// The sample brand, with these settings changed.
    pub async fn with(settings: &[(&str, &str)]) -> Self {
        Self::of(Brand::sample(), Options::default(), settings).await
    }

    /// The sample brand, which speaks these dialects, separated by commas.
    pub async fn speaking(dialects: &str) -> Self {
        Self::of_brand(Brand::sample(), dialects).await
    }

    /// A brand that speaks these dialects, separated by commas.
    pub async fn of_brand(brand: Brand, dialects: &str) -> Self {
        let dialects = Dialects::parse(dialects).expect("dialects");
        Self::of(brand, Options { dialects, ..Options::default() }, &[]).await
    }

    pub async fn of(brand: Brand, options: Options, changed: &[(&str, &str)]) -> Self {
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
        let instance = instance_for(&simulator, &settings).await;
        Self { simulator, instance, settings }
    }

    /// Drops the instance, and goes on with another one.
    pub async fn change_instance(&mut self) {
        self.instance = instance_for(&self.simulator, &self.settings).await;
    }

    /// Drops the instance, and goes on with another one, whose host has a clock of its own.
    pub async fn change_clock(&mut self, clock: Clock) {
        self.instance = instance_with(&self.simulator, &self.settings, clock).await;
    }

    pub fn clock(&self) -> Clock {
        self.simulator.clock()
    }

    pub fn now(&self) -> u64 {
        self.clock().since_epoch().as_secs()
    }

    pub fn advance(&self, by: Duration) {
        self.simulator.advance(by);
    }

    pub async fn check(&mut self, rights: &[Right]) -> Result<Connection, Error> {
        self.instance.check(rights).await.expect("an answer")
    }

    pub async fn access(&mut self, request: &Request) -> Result<Progress, Error> {
        discreet(request, self.instance.access(request).await.expect("an answer"))
    }

    pub async fn delete(&mut self, request: &Request, mode: DeletionMode) -> Result<Progress, Error> {
        discreet(request, self.instance.delete(request, mode).await.expect("an answer"))
    }

    pub async fn poll(&mut self, request: &Request, ticket: &str) -> Result<Progress, Error> {
        let task = Task { request: request.clone(), ticket: ticket.to_owned() };
        let mut answers = self.instance.poll(&[task]).await.expect("an answer");
        assert_eq!(answers.len(), 1);
        discreet(request, answers.remove(0))
    }

    pub async fn read(&mut self, reference: &str, offset: u64, limit: u32) -> Result<Chunk, Error> {
        self.instance.read(reference, offset, limit).await.expect("an answer")
    }

    /// Follows a request to its last word, waiting as long as it says, in made time.
    pub async fn follow(&mut self, request: &Request, begun: Result<Progress, Error>) -> Result<Report, Error> {
        let mut progress = begun?;
        for _ in 0..200 {
            match progress {
                Progress::Done(report) => return Ok(report),
                Progress::Pending(pending) => {
                    self.advance(Duration::from_millis(pending.poll_after_ms));
                    progress = self.poll(request, &pending.ticket).await?;
                }
            }
        }
        panic!("200 polls, and no last word");
    }

    pub async fn accessed(&mut self, request: &Request) -> Report {
        let begun = self.access(request).await;
        self.follow(request, begun).await.expect("a report")
    }

    pub async fn deleted(&mut self, request: &Request, mode: DeletionMode) -> Report {
        let begun = self.delete(request, mode).await;
        self.follow(request, begun).await.expect("a report")
    }

    /// A document's bytes, read to the end in pieces of at most `limit`.
    pub async fn bytes(&mut self, document: &Document, limit: u32) -> Vec<u8> {
        match &document.content {
            Content::Inline(bytes) => bytes.clone(),
            Content::Remote(reference) => self.read_all(reference, limit).await,
        }
    }

    pub async fn read_all(&mut self, reference: &str, limit: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        loop {
            let chunk = self.read(reference, bytes.len() as u64, limit).await.expect("a chunk");
            assert!(chunk.last || !chunk.bytes.is_empty(), "at least one byte unless it is the last");
            assert!(chunk.bytes.len() <= limit as usize);
            bytes.extend(chunk.bytes);
            if chunk.last {
                return bytes;
            }
        }
    }

    /// How many calls an endpoint got.
    pub fn calls_of(&self, endpoint: Endpoint) -> usize {
        self.simulator.calls().iter().filter(|call| call.endpoint == endpoint).count()
    }

    /// How many erasures, not mere searches, Qualtrics was made to begin by these tests.
    pub fn erasures_of(&self, address: &str) -> usize {
        let erasures = self.simulator.erasures();
        erasures.iter().filter(|job| !job.search_only && job.emails.iter().any(|email| email == address)).count()
    }
}

async fn instance_for(simulator: &Simulator, settings: &[Setting]) -> Instance {
    instance_with(simulator, settings, simulator.clock()).await
}

async fn instance_with(simulator: &Simulator, settings: &[Setting], clock: Clock) -> Instance {
    let egress = EgressPolicy::deny_all().allow(&simulator.origin()).expect("an origin");
    let egress = egress.allow(&another_origin()).expect("an origin");
    let options = InstanceOptions { egress, clock, ..InstanceOptions::default() };
    let mut instance = plugin().instantiate(options).await.expect("an instance");
    instance.configure(settings).await.expect("an answer").expect("good settings");
    instance
}

pub fn settings_of(pairs: &[(&str, &str)]) -> Vec<Setting> {
    pairs.iter().map(|(key, value)| Setting { key: (*key).to_owned(), value: (*value).to_owned() }).collect()
}

/// A request about these names.
pub fn request(key: &str, subject: Vec<Identifier>) -> Request {
    Request { key: key.to_owned(), subject, first_attempt_at: None, confirmed: Vec::new(), extra: Vec::new() }
}

/// A request about one address.
pub fn about(address: &str) -> Request {
    request("request-1", vec![email(address)])
}

pub fn email(address: &str) -> Identifier {
    Identifier::Email(address.to_owned())
}

pub fn pending(progress: Result<Progress, Error>) -> Pending {
    match progress {
        Ok(Progress::Pending(pending)) => pending,
        other => panic!("pending, not {other:?}"),
    }
}

pub fn done(progress: Result<Progress, Error>) -> Report {
    match progress {
        Ok(Progress::Done(report)) => report,
        other => panic!("done, not {other:?}"),
    }
}

/// The outcome of a report, with its findings if it is another one.
#[track_caller]
pub fn expect(report: &Report, outcome: Outcome) {
    assert_eq!(report.outcome, outcome, "{:#?}", report.findings);
}

/// The finding of a source; of several, the first.
#[track_caller]
pub fn finding<'r>(report: &'r Report, source: &str) -> &'r Finding {
    let found = report.findings.iter().find(|finding| finding.source == source);
    found.unwrap_or_else(|| panic!("a finding of {source} among {:#?}", report.findings))
}

/// Lets a call end while a made clock runs: what it waits for with a body open does not move the clock by itself.
pub async fn in_passing_time<T>(clock: &Clock, call: impl Future<Output = T>) -> T {
    tokio::pin!(call);
    loop {
        tokio::select! {
            biased;
            answer = &mut call => return answer,
            () = tokio::time::sleep(Duration::from_millis(5)) => clock.advance(Duration::from_millis(100)),
        }
    }
}

/// Passes on what a request was answered, once it is sure that what may be logged of it tells of nobody.
#[track_caller]
pub fn discreet(request: &Request, answer: Result<Progress, Error>) -> Result<Progress, Error> {
    let loggable = match &answer {
        Ok(Progress::Pending(pending)) => format!("{pending:?} {}", inside(&pending.ticket)),
        Ok(Progress::Done(report)) => {
            let Report { right, outcome, findings, documents, gaps, receipt, ticket, extra, also_known_as: _ } = report;
            let references = documents.iter().map(|Document { name, media_type, source, size, content }| {
                let reference = match content {
                    Content::Inline(_) => String::new(),
                    Content::Remote(reference) => format!("{reference} {}", inside(reference)),
                };
                format!("{name} {media_type} {source} {size:?} {reference}")
            });
            let references: Vec<String> = references.collect();
            let ticket = ticket.as_deref().map(inside);
            let extra: Vec<_> = extra.iter().map(|setting| (&setting.key, &setting.value)).collect();
            format!("{right:?} {outcome:?} {findings:?} {gaps:?} {receipt:?} {ticket:?} {extra:?} {references:?}")
        }
        Err(error) => format!("{error:?}"),
    };
    let names = request.subject.iter().map(|name| match name {
        Identifier::Email(name) | Identifier::Phone(name) => name,
        Identifier::ExternalReference(name) | Identifier::Other((_, name)) => name,
    });
    let names: Vec<&str> = names.map(|name| name.trim()).filter(|name| name.len() > 5).collect();
    assert_no_leak(&loggable, &names);
    answer
}

/// No text that may be logged holds these names, a vendor's message, or a secret.
#[track_caller]
pub fn assert_no_leak(loggable: &str, names: &[&str]) {
    let loggable = loggable.to_lowercase();
    let private = [MESSAGE_CANARY, SAMPLE_CLIENT_SECRET, SAMPLE_PERSON, SAMPLE_PHONE, SAMPLE_REFERENCE, "Lovelace"];
    for private in private.iter().chain(names) {
        assert!(!loggable.contains(&private.to_lowercase()), "{private} stands in {loggable}");
    }
}

/// What a ticket or a reference holds.
fn inside(text: &str) -> String {
    let part = text.split('.').nth(1).unwrap_or_default();
    String::from_utf8_lossy(&URL_SAFE_NO_PAD.decode(part).expect("base64")).into_owned()
}
