//! A test server that counts its connections.

use std::future::Future;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A server on a free loopback port.
pub struct Server {
    port: u16,
    accepted: Arc<AtomicUsize>,
    open: Arc<AtomicUsize>,
}

impl Server {
    /// Runs `serve` for each connection. A connection counts as open until its future completes.
    pub async fn start<F: Future<Output = std::io::Result<()>> + Send + 'static>(
        serve: impl Fn(TcpStream) -> F + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let server = Self { port, accepted: Arc::default(), open: Arc::default() };
        let (accepted, open) = (server.accepted.clone(), server.open.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                accepted.fetch_add(1, Ordering::SeqCst);
                open.fetch_add(1, Ordering::SeqCst);
                let (serving, open) = (serve(stream), open.clone());
                tokio::spawn(async move {
                    // A guest may close its connection in any way.
                    let _ = serving.await;
                    open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        server
    }

    /// Reads everything and never responds.
    pub async fn silent() -> Self {
        Self::start(|mut stream| async move {
            let mut sink = vec![0; 64 << 10];
            while stream.read(&mut sink).await? > 0 {}
            Ok(())
        })
        .await
    }

    /// Responds to every request with a few bytes.
    pub async fn responding() -> Self {
        Self::start(|mut stream| async move {
            let mut seen = Vec::new();
            while stream.read_buf(&mut seen).await? > 0 {
                if seen.ends_with(b"\r\n\r\n") {
                    seen.clear();
                    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await?;
                }
            }
            Ok(())
        })
        .await
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// How many connections were accepted.
    pub fn connections(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    /// Waits until every connection is closed.
    pub async fn idle(&self) {
        let idle = async {
            while self.open.load(Ordering::SeqCst) > 0 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), idle).await.expect("the host closes the connections of a guest");
    }
}
