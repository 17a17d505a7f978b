//! Instances of the gateway component in `privacy-host`.

use std::future::pending;
use std::net::Ipv4Addr;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, RETRY_AFTER};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use privacy_host::{EgressPolicy, Environment, Gateway, Host, InstanceOptions, Options, Service};
use qualtrics_component::GATEWAY;
use qualtrics_simulator::{
    Brand, Endpoint, Options as SimulatorOptions, SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, SAMPLE_PERSON, Simulator,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::guests;
use crate::server::Server;

const TOKEN: &str = "a token of this test";
/// Longer than any of these tests takes.
const LONG: Duration = Duration::from_secs(30);

/// Compiled once for all tests.
fn gateway() -> &'static Gateway {
    static LOADED: OnceLock<Gateway> = OnceLock::new();
    LOADED.get_or_init(|| load(options()))
}

fn load(options: Options) -> Gateway {
    Host::new(options).expect("a host").load_gateway(GATEWAY).expect("a gateway")
}

fn options() -> Options {
    Options { max_instances: 32, max_components: 3, ..Options::default() }
}

/// A simulated brand, and a gateway to it.
struct Fixture {
    simulator: Simulator,
    service: Service,
}

struct Response {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Fixture {
    async fn new() -> Self {
        Self::of(Brand::sample(), SimulatorOptions::default(), gateway()).await
    }

    async fn of(brand: Brand, options: SimulatorOptions, gateway: &Gateway) -> Self {
        let simulator = Simulator::start(brand, options).await.expect("a free port");
        let service = gateway.service(instance_options(&simulator, &[]));
        Self { simulator, service }
    }

    async fn post(&self, path: &str, body: &Value) -> Response {
        send(&self.service, request(Method::POST, path, body.to_string().into())).await
    }

    fn calls_of(&self, endpoint: Endpoint) -> usize {
        self.simulator.calls().iter().filter(|call| call.endpoint == endpoint).count()
    }
}

impl Response {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}

/// The options of a gateway to this brand, with these environment variables changed.
fn instance_options(simulator: &Simulator, changed: &[(&str, &str)]) -> InstanceOptions {
    let origin = simulator.origin();
    let sum: String = Sha256::digest(TOKEN).iter().map(|byte| format!("{byte:02x}")).collect();
    let variables = [
        ("GATEWAY_TOKEN_SHA256", sum.as_str()),
        ("EGRESS_ORIGINS", &origin),
        ("CONNECTOR_BASE_URL", &origin),
        ("CONNECTOR_DATACENTER_ID", "fra1"),
        ("CONNECTOR_CLIENT_ID", SAMPLE_CLIENT_ID),
        ("CONNECTOR_CLIENT_SECRET", SAMPLE_CLIENT_SECRET),
    ];
    let variables = variables.iter().chain(changed).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    InstanceOptions {
        egress: EgressPolicy::deny_all().allow(&origin).expect("an origin"),
        environment: variables.collect(),
        clock: simulator.clock(),
        ..InstanceOptions::default()
    }
}

fn request(method: Method, path: &str, body: Bytes) -> Request<Full<Bytes>> {
    let request = Request::builder().method(method).uri(path).header(HOST, "gateway.example");
    let request = request.header(AUTHORIZATION, format!("Bearer {TOKEN}")).header(CONTENT_TYPE, "application/json");
    request.body(Full::new(body)).expect("a request")
}

async fn send(service: &Service, request: Request<Full<Bytes>>) -> Response {
    let (head, body) = service.respond(request).await.into_parts();
    let body = body.collect().await.expect("a whole body").to_bytes();
    Response { status: head.status, headers: head.headers, body }
}

fn request_for(address: &str) -> Value {
    json!({ "id": "dsr-1", "subject": [{ "email": address }] })
}

#[tokio::test]
async fn a_reused_instance_authenticates_once() {
    let fixture = Fixture::new().await;
    for _ in 0..3 {
        assert_eq!(fixture.post("/checks", &json!({ "rights": ["access"] })).await.status, StatusCode::OK);
    }
    assert_eq!(fixture.service.idle_instances(), 1);
    // One token for the right, and one for each optional scope.
    assert_eq!(fixture.calls_of(Endpoint::Token), 3);
}

#[tokio::test]
async fn concurrent_requests_have_an_instance_each() {
    let fixture = Fixture::new().await;
    let check = json!({ "rights": ["access"] });
    let (one, other) = tokio::join!(fixture.post("/checks", &check), fixture.post("/checks", &check));
    assert_eq!((one.status, other.status), (StatusCode::OK, StatusCode::OK));
    assert_eq!(fixture.service.idle_instances(), 2);
}

#[tokio::test]
async fn the_number_of_instances_is_limited() {
    let one = load(Options { max_instances: 1, ..options() });
    let slow = SimulatorOptions { latency: Duration::from_millis(300), ..SimulatorOptions::default() };
    let fixture = Fixture::of(Brand::sample(), slow, &one).await;
    let check = json!({ "rights": ["access"] });
    let (one, other) = tokio::join!(fixture.post("/checks", &check), fixture.post("/checks", &check));
    let refused = if one.status == StatusCode::OK { &other } else { &one };
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers[RETRY_AFTER], "1");
    assert_eq!(fixture.post("/checks", &check).await.status, StatusCode::OK);
}

#[tokio::test]
async fn requests_need_the_permission_of_both_the_guard_and_the_host() {
    let fixture = Fixture::new().await;
    let elsewhere = Server::responding().await;
    let origin = elsewhere.origin();
    let base_url = ("CONNECTOR_BASE_URL", origin.as_str());
    let host_alone = InstanceOptions {
        egress: EgressPolicy::deny_all().allow(&origin).expect("an origin"),
        ..instance_options(&fixture.simulator, &[base_url])
    };
    let guard_alone = instance_options(&fixture.simulator, &[base_url, ("EGRESS_ORIGINS", &origin)]);
    for options in [host_alone, guard_alone] {
        let service = gateway().service(options);
        let check = json!({ "rights": ["access"] }).to_string().into();
        let refused = send(&service, request(Method::POST, "/checks", check)).await;
        assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(refused.json()["problems"][0]["code"], "egress");
    }
    assert_eq!(elsewhere.connections(), 0);
}

/// Asserts that a handwritten gateway fails with this status and that no instance is reused.
async fn assert_fails(handle: &str, status: StatusCode, limit: Duration) {
    let options = InstanceOptions { call_timeout: limit, ..InstanceOptions::default() };
    let host = Host::new(self::options()).expect("a host");
    let service = host.load_gateway(&guests::gateway(handle)).expect("a gateway").service(options);
    for _ in 0..2 {
        let response = send(&service, request(Method::GET, "/", Bytes::new()));
        let failed = tokio::time::timeout(LONG, response).await.expect("a response");
        assert_eq!(
            (failed.status, &failed.headers[CONTENT_TYPE]),
            (status, &"application/problem+json".parse().unwrap())
        );
        assert_eq!(failed.json()["status"], status.as_u16());
        assert_eq!(service.idle_instances(), 0);
    }
}

#[tokio::test]
async fn a_gateway_that_traps_is_an_error_and_discarded() {
    assert_fails("unreachable", StatusCode::INTERNAL_SERVER_ERROR, LONG).await;
}

#[tokio::test]
async fn a_gateway_without_a_response_is_an_error_and_discarded() {
    assert_fails("", StatusCode::INTERNAL_SERVER_ERROR, LONG).await;
}

#[tokio::test]
async fn a_gateway_that_loops_times_out_and_is_discarded() {
    assert_fails("(loop (br 0))", StatusCode::GATEWAY_TIMEOUT, Duration::from_millis(200)).await;
}

#[tokio::test]
async fn a_request_without_a_host_header_uses_no_instance() {
    let fixture = Fixture::new().await;
    assert_eq!(fixture.post("/checks", &json!({ "rights": ["access"] })).await.status, StatusCode::OK);
    let mut without_host = request(Method::GET, "/manifest", Bytes::new());
    without_host.headers_mut().remove(HOST);
    assert_eq!(send(&fixture.service, without_host).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(fixture.service.idle_instances(), 1);
}

#[tokio::test]
async fn a_call_completes_when_the_caller_disconnects() {
    let slow = SimulatorOptions { latency: Duration::from_millis(50), ..SimulatorOptions::default() };
    let fixture = Fixture::of(Brand::sample(), slow, gateway()).await;
    let before = fixture.simulator.erasures().len();
    let body = json!({ "requests": [request_for(SAMPLE_PERSON)], "mode": "erase" });
    let deletion = fixture.post("/deletions", &body);
    let timed_out = tokio::time::timeout(Duration::from_millis(60), deletion).await;
    assert!(timed_out.is_err(), "the caller disconnects before the response");
    let settled = async {
        while fixture.service.idle_instances() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LONG, settled).await.expect("the call ends");
    assert_eq!(fixture.simulator.erasures().len(), before + 1);
}

/// Sends a request on a new connection, and reads until the server closes it.
async fn check_over_socket(port: u16, sent: oneshot::Sender<()>) -> String {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.expect("a connection");
    let body = json!({ "rights": ["access"] }).to_string();
    let head = format!(
        "POST /checks HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {TOKEN}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).await.expect("to write");
    let _ = sent.send(());
    let mut response = String::new();
    stream.read_to_string(&mut response).await.expect("a response");
    response
}

#[tokio::test]
async fn requests_in_progress_complete_when_the_service_stops() {
    let slow = SimulatorOptions { latency: Duration::from_millis(100), ..SimulatorOptions::default() };
    let fixture = Fixture::of(Brand::sample(), slow, gateway()).await;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    let port = listener.local_addr().expect("its address").port();
    let (end, ended) = oneshot::channel();
    let (sent, was_sent) = oneshot::channel();
    let serving = fixture.service.serve(listener, async move {
        if ended.await.is_err() {
            pending().await
        }
    });
    let calling = check_over_socket(port, sent);
    let ending = async {
        was_sent.await.expect("a call");
        while fixture.simulator.calls().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        end.send(()).expect("it serves");
    };
    let all = async { tokio::join!(serving, calling, ending).1 };
    let response = tokio::time::timeout(LONG, all).await.expect("the service stops");
    assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
    assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err(), "the port is closed");
}

#[test]
fn an_environment_does_not_print_its_values() {
    let environment: Environment = [("CONNECTOR_CLIENT_SECRET".to_owned(), "hunter2".to_owned())].into_iter().collect();
    let printed = format!("{:?}", InstanceOptions { environment, ..InstanceOptions::default() });
    assert!(printed.contains("CONNECTOR_CLIENT_SECRET") && !printed.contains("hunter2"), "{printed}");
}
