//! An HTTP client that sends exact bytes, and reports everything that it receives.

use std::io::{ErrorKind, Read};
use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::read::GzDecoder;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

/// What was received on one connection.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) status: u16,
    /// In lower case.
    pub(super) head: String,
    /// The body without its framing, as far as it was received.
    pub(super) body: Vec<u8>,
    /// Whether the body has the length that its framing declares.
    pub(super) complete: bool,
    /// Whether the connection was reset instead of closed.
    pub(super) reset: bool,
}

impl Response {
    fn parse(bytes: &[u8], reset: bool) -> Self {
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            return Self { status: 0, head: String::new(), body: bytes.to_vec(), complete: false, reset };
        };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_lowercase();
        let status = head[9..12].parse().unwrap();
        let body = &bytes[end + 4..];
        let mut response = Self { status, head, body: body.to_vec(), complete: true, reset };
        if response.header("transfer-encoding").is_some() {
            (response.body, response.complete) = unchunk(body);
        } else if let Some(length) = response.header("content-length") {
            response.complete = length.parse() == Ok(body.len());
        }
        response
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The `result` of a success.
    pub(super) fn result(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.head);
        self.json()["result"].clone()
    }

    /// The code of an error.
    pub(super) fn code(&self) -> String {
        self.json()["meta"]["error"]["errorCode"].as_str().unwrap().to_owned()
    }
}

/// The content of chunks, and whether the last chunk was received.
fn unchunk(mut bytes: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while let Some(end) = bytes.windows(2).position(|two| two == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&bytes[..end]).unwrap(), 16).unwrap();
        if size == 0 {
            return (body, true);
        }
        let chunk = &bytes[end + 2..];
        body.extend_from_slice(&chunk[..size.min(chunk.len())]);
        bytes = chunk.get(size + 2..).unwrap_or_default();
    }
    (body, false)
}

/// Opens a connection and sends a request with `connection: close`.
pub(super) async fn send(
    simulator: &Simulator,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> TcpStream {
    let mut stream = TcpStream::connect(simulator.origin().strip_prefix("http://").unwrap()).await.unwrap();
    let mut request = format!("{method} {path} HTTP/1.1\r\nhost: simulator\r\nconnection: close\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

/// Reads until the connection ends.
pub(super) async fn receive(mut stream: TcpStream) -> Response {
    let mut bytes = Vec::new();
    let reset = match stream.read_to_end(&mut bytes).await {
        Ok(_) => false,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::ConnectionReset);
            true
        }
    };
    Response::parse(&bytes, reset)
}

/// Requests a token with these client credentials.
pub(super) async fn request_token(simulator: &Simulator, id: &str, secret: &str, scopes: &str) -> Response {
    let basic = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
    let headers = [("authorization", &*basic), ("content-type", "application/x-www-form-urlencoded")];
    let body = format!("grant_type=client_credentials&scope={}", scopes.replace(' ', "+"));
    receive(send(simulator, "POST", "/oauth2/token", &headers, &body).await).await
}

/// A client with an access token.
pub(super) struct ApiClient<'a> {
    simulator: &'a Simulator,
    authorization: String,
}

impl<'a> ApiClient<'a> {
    /// A client with all scopes that makes calls for the administrator of the sample brand.
    pub(super) async fn administrator(simulator: &'a Simulator) -> Self {
        Self::new(simulator, &request_token(simulator, SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, "").await)
    }

    /// A client with the token of this response.
    pub(super) fn new(simulator: &'a Simulator, token: &Response) -> Self {
        Self { simulator, authorization: format!("Bearer {}", token.json()["access_token"].as_str().unwrap()) }
    }

    pub(super) async fn start_get(&self, path: &str, headers: &[(&str, &str)]) -> TcpStream {
        let headers = [&[("authorization", &*self.authorization)], headers].concat();
        send(self.simulator, "GET", &format!("/API/v3{path}"), &headers, "").await
    }

    pub(super) async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        receive(self.start_get(path, headers).await).await
    }

    pub(super) async fn get(&self, path: &str) -> Response {
        self.get_with(path, &[]).await
    }

    pub(super) async fn start_post(&self, path: &str, body: &Value) -> TcpStream {
        let headers = [("authorization", &*self.authorization), ("content-type", "application/json; charset=utf-8")];
        send(self.simulator, "POST", &format!("/API/v3{path}"), &headers, &body.to_string()).await
    }

    pub(super) async fn put(&self, path: &str, body: Value) -> Response {
        let headers = [("authorization", &*self.authorization), ("content-type", "application/json")];
        receive(send(self.simulator, "PUT", &format!("/API/v3{path}"), &headers, &body.to_string()).await).await
    }

    pub(super) async fn delete(&self, path: &str) -> Response {
        let headers = [("authorization", &*self.authorization)];
        receive(send(self.simulator, "DELETE", &format!("/API/v3{path}"), &headers, "").await).await
    }

    pub(super) async fn post(&self, path: &str, body: Value) -> Response {
        receive(self.start_post(path, &body).await).await
    }
}

/// Waits until a condition holds, for ten seconds at most.
pub(super) async fn wait_until(condition: impl Fn() -> bool) {
    for _ in 0..10_000 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("the condition does not hold after ten seconds");
}

pub(super) fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    GzDecoder::new(bytes).read_to_end(&mut text).unwrap();
    text
}

/// A simulator of the sample brand.
pub(super) async fn sample_simulator() -> Simulator {
    Simulator::start(Brand::sample(), Options::default()).await.unwrap()
}

/// A simulator of the sample brand with these dialects.
pub(super) async fn simulator_with_dialects(names: &str) -> Simulator {
    let options = Options { dialects: Dialects::parse(names).unwrap(), ..Options::default() };
    Simulator::start(Brand::sample(), options).await.unwrap()
}
