//! Guests that send requests to denied addresses, or without limit.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use privacy_host::{EgressPolicy, HostError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::guest::connector;
use crate::server::Server;
use crate::{LONG, REQUEST, SHORT, allow, assert_still_works, host, run};

#[tokio::test]
async fn an_address_that_is_not_allowed_is_unreachable_in_any_spelling() {
    let host = host();
    let server = Server::responding().await;
    let port = server.port();
    let policies = [
        EgressPolicy::deny_all(),
        EgressPolicy::of_manifest(["https://*.qualtrics.com"]).expect("a manifest"),
        allow("https://192.0.2.7").allow_private_addresses(),
    ];
    for policy in policies {
        for target in [
            format!("http://127.0.0.1:{port}"),
            format!("https://127.0.0.1:{port}"),
            format!("http://localhost:{port}"),
            format!("https://localhost:{port}"),
            format!("http://[::1]:{port}"),
            format!("http://[::ffff:127.0.0.1]:{port}"),
            format!("http://[::127.0.0.1]:{port}"),
            format!("http://[64:ff9b::127.0.0.1]:{port}"),
            format!("http://0.0.0.0:{port}"),
            format!("http://2130706433:{port}"),
            format!("http://0x7f000001:{port}"),
            format!("http://0177.0.0.1:{port}"),
            format!("http://127.1:{port}"),
            format!("https://fra1.qualtrics.com:{port}"),
            format!("https://fra1.qualtrics.com@127.0.0.1:{port}"),
            format!("https://127.0.0.1:{port}@fra1.qualtrics.com"),
            "http://169.254.169.254".to_owned(),
            "http://fra1.qualtrics.com".to_owned(),
            "https://qualtrics.com".to_owned(),
            "https://fra1.qualtrics.com.example.org".to_owned(),
            "https://fra1-qualtrics.com".to_owned(),
        ] {
            let report = run(&host, &connector(&target, "", REQUEST), &policy, LONG).await;
            assert_eq!(report.expect("a result"), "HTTP-request-denied", "{target}");
        }
    }
    assert_eq!(server.connections(), 0);
    assert_still_works(&host).await;
}

#[tokio::test]
async fn an_allowed_loopback_address_is_not_allowed_in_another_spelling() {
    let host = host();
    let server = Server::responding().await;
    let (port, egress) = (server.port(), allow(&server.origin()));
    for target in [format!("http://[::ffff:127.0.0.1]:{port}"), format!("http://localhost:{port}")] {
        let report = run(&host, &connector(&target, "", REQUEST), &egress, LONG).await;
        assert_eq!(report.expect("a result"), "HTTP-request-denied", "{target}");
    }
    assert_eq!(server.connections(), 0);
    assert_still_works(&host).await;
}

#[tokio::test]
async fn an_allowed_name_that_resolves_to_loopback_is_not_contacted() {
    let host = host();
    let server = Server::responding().await;
    let target = format!("https://localhost:{}", server.port());
    let report = run(&host, &connector(&target, "", REQUEST), &allow(&target), LONG).await;
    assert_eq!(report.expect("a result"), "destination-IP-prohibited");
    assert_eq!(server.connections(), 0);
    assert_still_works(&host).await;
}

#[tokio::test]
async fn connect_requests_are_rejected() {
    let host = host();
    let server = Server::responding().await;
    let connect = "(local.set $a (call $to_target (call $fields)))
        (if (call $set_method (local.get $a) (i32.const 5) (i32.const 0) (i32.const 0)) (then unreachable))
        (call $report (call $await (call $send (local.get $a))))";
    let report = run(&host, &connector(&server.origin(), "", connect), &allow(&server.origin()), LONG).await;
    assert_eq!(report.expect("a result"), "HTTP-request-method-invalid");
    assert_eq!(server.connections(), 0);
    assert_still_works(&host).await;
}

#[tokio::test]
async fn concurrent_connections_are_limited_and_close_with_the_guest() {
    let host = host();
    let server = Server::silent().await;
    // A hundred requests: the result of the last one is reported while the others wait.
    let hundred = "(loop
            (local.set $b (call $send (call $to_target (call $fields))))
            (br_if 0 (i32.lt_u (local.tee $a (i32.add (local.get $a) (i32.const 1))) (i32.const 100))))
        (call $report (call $await (local.get $b)))";
    let report = run(&host, &connector(&server.origin(), "", hundred), &allow(&server.origin()), LONG).await;
    assert_eq!(report.expect("a result"), "connection-limit-reached");
    server.idle().await;
    // A guest that sends requests endlessly is stopped.
    let endless = "(loop (drop (call $send (call $to_target (call $fields)))) (br 0)) unreachable";
    let result = run(&host, &connector(&server.origin(), "", endless), &allow(&server.origin()), LONG).await;
    assert!(matches!(result, Err(HostError::Trap(None))), "{result:?}");
    server.idle().await;
    assert!(server.connections() <= 16, "{} connections of two guests with eight requests each", server.connections());
    assert_still_works(&host).await;
}

#[tokio::test]
async fn a_request_without_a_response_times_out_and_its_connection_closes() {
    let host = host();
    let server = Server::silent().await;
    let result = run(&host, &connector(&server.origin(), "", REQUEST), &allow(&server.origin()), SHORT).await;
    assert!(matches!(result, Err(HostError::TimedOut)), "{result:?}");
    server.idle().await;
    assert_eq!(server.connections(), 1);
    assert_still_works(&host).await;
}

#[tokio::test]
async fn the_body_of_a_request_is_limited() {
    let host = host();
    let received = Arc::new(AtomicUsize::new(0));
    let counter = received.clone();
    let server = Server::start(move |mut stream| {
        let counter = counter.clone();
        async move {
            let mut sink = vec![0; 64 << 10];
            loop {
                match stream.read(&mut sink).await? {
                    0 => return Ok(()),
                    bytes => counter.fetch_add(bytes, Ordering::SeqCst),
                };
            }
        }
    })
    .await;
    // Writes 4 KiB at a time until that fails, and reports why there is no response.
    let flood = "(local.set $a (call $to_target (call $fields)))
        (if (call $set_method (local.get $a) (i32.const 2) (i32.const 0) (i32.const 0)) (then unreachable))
        (call $body (local.get $a) (i32.const 2048))
        (local.set $b (i32.load (i32.const 2052)))
        (call $write (local.get $b) (i32.const 2048))
        (local.set $b (i32.load (i32.const 2052)))
        (local.set $a (call $send (local.get $a)))
        (loop
            (call $flush (local.get $b) (i32.const 8192) (i32.const 4096) (i32.const 2048))
            (br_if 0 (i32.eqz (i32.load8_u (i32.const 2048)))))
        (call $report (call $await (local.get $a)))";
    let report = run(&host, &connector(&server.origin(), "", flood), &allow(&server.origin()), LONG).await;
    assert_eq!(report.expect("a result"), "HTTP-request-body-size");
    server.idle().await;
    let received = received.load(Ordering::SeqCst);
    // Chunk frames and the head of the request are included.
    assert!((200 << 10..300 << 10).contains(&received), "{received} bytes");
    assert_still_works(&host).await;
}

#[tokio::test]
async fn a_response_that_is_not_read_is_not_buffered_by_the_host() {
    let host = host();
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = sent.clone();
    let server = Server::start(move |mut stream| {
        let counter = counter.clone();
        async move {
            let mut head = [0; 1024];
            // The content of the request does not matter.
            let _ = stream.read(&mut head).await?;
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
            loop {
                counter.fetch_add(stream.write(&[0; 64 << 10]).await?, Ordering::SeqCst);
            }
        }
    })
    .await;
    let unread =
        "(if (i32.ne (call $await (call $send (call $to_target (call $fields)))) (i32.const 999)) (then unreachable))
        (call $block (call $timer (i64.const -1))) unreachable";
    let result =
        run(&host, &connector(&server.origin(), "", unread), &allow(&server.origin()), Duration::from_secs(1)).await;
    assert!(matches!(result, Err(HostError::TimedOut)), "{result:?}");
    server.idle().await;
    // Only the socket buffers of the system hold data.
    let sent = sent.load(Ordering::SeqCst);
    assert!(sent < 32 << 20, "{sent} bytes");
    assert_still_works(&host).await;
}

#[tokio::test]
async fn an_endless_response_head_is_rejected() {
    let host = host();
    let server = Server::start(|mut stream| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\nx: ").await?;
        loop {
            stream.write_all(&[b'a'; 64 << 10]).await?;
        }
    })
    .await;
    let report = run(&host, &connector(&server.origin(), "", REQUEST), &allow(&server.origin()), LONG).await;
    assert_eq!(report.expect("a result"), "HTTP-response-header-section-size");
    server.idle().await;
    assert_still_works(&host).await;
}
