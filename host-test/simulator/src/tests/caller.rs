//! A caller that sends what it is told, and sees everything that comes back.

use std::io::{ErrorKind, Read};
use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::read::GzDecoder;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

/// What came back over one connection.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) head: String,
    /// The body with the framing taken off as far as it goes.
    pub(super) body: Vec<u8>,
    /// Whether the body ended where its framing said.
    pub(super) complete: bool,
    /// Whether the connection was reset instead of closed.
    pub(super) reset: bool,
}

impl Reply {
    fn read(bytes: &[u8], reset: bool) -> Self {
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            return Self { status: 0, head: String::new(), body: bytes.to_vec(), complete: false, reset };
        };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_lowercase();
        let status = head[9..12].parse().unwrap();
        let body = &bytes[end + 4..];
        let mut reply = Self { status, head, body: body.to_vec(), complete: true, reset };
        if reply.header("transfer-encoding").is_some() {
            (reply.body, reply.complete) = unchunk(body);
        } else if let Some(length) = reply.header("content-length") {
            reply.complete = length.parse() == Ok(body.len());
        }
        reply
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(super) fn result(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.head);
        self.json()["result"].clone()
    }

    pub(super) fn code(&self) -> String {
        self.json()["meta"]["error"]["errorCode"].as_str().unwrap().to_owned()
    }
}

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

/// Opens a connection, and sends a request on it that asks for the connection to be closed afterwards.
pub(super) async fn send(sim: &Simulator, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(sim.origin().strip_prefix("http://").unwrap()).await.unwrap();
    let mut request = format!("{method} {path} HTTP/1.1\r\nhost: simulator\r\nconnection: close\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

/// Reads all that comes until the connection ends.
pub(super) async fn receive(mut stream: TcpStream) -> Reply {
    let mut bytes = Vec::new();
    let reset = match stream.read_to_end(&mut bytes).await {
        Ok(_) => false,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::ConnectionReset);
            true
        }
    };
    Reply::read(&bytes, reset)
}

/// Signs in at the sample brand.
pub(super) async fn sign_in(sim: &Simulator, id: &str, secret: &str, scopes: &str) -> Reply {
    let basic = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
    let headers = [("authorization", &*basic), ("content-type", "application/x-www-form-urlencoded")];
    let body = format!("grant_type=client_credentials&scope={}", scopes.replace(' ', "+"));
    receive(send(sim, "POST", "/oauth2/token", &headers, &body).await).await
}

/// Somebody with a token.
pub(super) struct Caller<'a> {
    sim: &'a Simulator,
    bearer: String,
}

impl<'a> Caller<'a> {
    /// The administrator of the sample brand, with all scopes.
    pub(super) async fn administrator(sim: &'a Simulator) -> Self {
        Self::of(sim, &sign_in(sim, SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, "").await)
    }

    pub(super) fn of(sim: &'a Simulator, reply: &Reply) -> Self {
        Self { sim, bearer: format!("Bearer {}", reply.json()["access_token"].as_str().unwrap()) }
    }

    pub(super) async fn start_get(&self, path: &str, headers: &[(&str, &str)]) -> TcpStream {
        let headers = [&[("authorization", &*self.bearer)], headers].concat();
        send(self.sim, "GET", &format!("/API/v3{path}"), &headers, "").await
    }

    pub(super) async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        receive(self.start_get(path, headers).await).await
    }

    pub(super) async fn get(&self, path: &str) -> Reply {
        self.get_with(path, &[]).await
    }

    pub(super) async fn start_post(&self, path: &str, body: &Value) -> TcpStream {
        let headers = [("authorization", &*self.bearer), ("content-type", "application/json; charset=utf-8")];
        send(self.sim, "POST", &format!("/API/v3{path}"), &headers, &body.to_string()).await
    }

    pub(super) async fn post(&self, path: &str, body: Value) -> Reply {
        receive(self.start_post(path, &body).await).await
    }
}

/// Waits until something that must come has come.
pub(super) async fn until(come: impl Fn() -> bool) {
    for _ in 0..10_000 {
        if come() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("it has not come");
}

pub(super) fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    GzDecoder::new(bytes).read_to_end(&mut text).unwrap();
    text
}

pub(super) async fn sample() -> Simulator {
    Simulator::start(Brand::sample(), Options::default()).await.unwrap()
}

pub(super) async fn speaking(names: &str) -> Simulator {
    let options = Options { dialects: Dialects::parse(names).unwrap(), ..Options::default() };
    Simulator::start(Brand::sample(), options).await.unwrap()
}
