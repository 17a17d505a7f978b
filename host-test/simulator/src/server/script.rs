//! Responses that violate HTTP. They are written to the socket byte by byte, without hyper.

use std::io;
use std::time::Duration;

use hyper::StatusCode;
use simulated_clock::Clock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::content::{CHUNK_SIZE, Content};
use super::counters::Counted;
use super::response::Response;
use super::tls::Stream;

/// The time after which a client on the same machine has seen a sent byte.
pub(super) const LOOPBACK_DELAY: Duration = Duration::from_millis(2);

/// How the head of a broken response declares the length of the body.
pub(super) enum Framing {
    ContentLength(u64),
    Chunked,
}

/// How a connection ends.
#[derive(Clone, Copy)]
pub(super) enum End {
    Close,
    Reset,
    /// Nothing more is sent. The connection stays open until the client closes it.
    Silence,
}

/// The bytes to send on a connection, and its end.
pub(super) struct Script {
    status: Option<u16>,
    head: Vec<u8>,
    body: Content,
    is_chunked: bool,
    /// The time between two bytes of the body.
    pace: Option<(Duration, Clock)>,
    end: End,
    _in_progress: Counted,
}

impl Script {
    /// Sends nothing.
    pub(super) fn empty(end: End, in_progress: Counted) -> Self {
        let (head, body) = (Vec::new(), Content::default());
        Self { status: None, head, body, is_chunked: false, pace: None, end, _in_progress: in_progress }
    }

    /// Sends the head of a response with this framing, then this body. The two need not match.
    pub(super) fn response(
        response: &Response,
        framing: Framing,
        body: Content,
        end: End,
        in_progress: Counted,
    ) -> Self {
        let status = response.status;
        let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
        let mut head = format!("HTTP/1.1 {status} {}\r\n", reason.unwrap_or_default());
        for (name, value) in &response.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&match framing {
            Framing::ContentLength(length) => format!("content-length: {length}\r\n\r\n"),
            Framing::Chunked => "transfer-encoding: chunked\r\n\r\n".to_owned(),
        });
        let is_chunked = matches!(framing, Framing::Chunked);
        let (status, head) = (Some(status), head.into_bytes());
        Self { status, head, body, is_chunked, pace: None, end, _in_progress: in_progress }
    }

    /// Sends one byte of the body per `pace` of this clock. A simulated clock is advanced.
    pub(super) fn paced(mut self, pace: Duration, clock: &Clock) -> Self {
        self.pace = Some((pace, clock.clone()));
        self
    }

    /// The status that is sent.
    pub(super) fn status(&self) -> Option<u16> {
        self.status
    }

    /// Sends the bytes and ends the connection.
    pub(super) async fn play(self, mut stream: Box<dyn Stream>) -> io::Result<()> {
        stream.write_all(&self.head).await?;
        for chunk in self.body.chunks(if self.pace.is_some() { 1 } else { CHUNK_SIZE }) {
            if let Some((pace, clock)) = &self.pace {
                // The client must see each byte before a simulated clock moves. Otherwise it could not tell which came first.
                let delay = if clock.is_simulated() { LOOPBACK_DELAY } else { clock.in_real_time(*pace) };
                tokio::time::sleep(delay).await;
                clock.advance(*pace);
            }
            if self.is_chunked {
                let size = format!("{:x}\r\n", chunk.len());
                stream.write_all(&[size.as_bytes(), &chunk, b"\r\n"].concat()).await?;
            } else {
                stream.write_all(&chunk).await?;
            }
        }
        match self.end {
            End::Close => stream.shutdown().await,
            End::Reset => stream.reset_on_close(),
            End::Silence => {
                while stream.read(&mut [0; 512]).await? > 0 {}
                Ok(())
            }
        }
    }
}
