//! Harmful plugins do not affect the host: its next instance works.
//!
//! Every guest is a handwritten component that does one harmful thing. Each test ends with a harmless guest on the same host.

mod guest;
mod server;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use guest::{connector, name};
use privacy_host::{EgressPolicy, Host, HostError, InstanceOptions, Options};
use server::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wasmtime::Trap;

/// The time limit of a harmful guest.
const SHORT: Duration = Duration::from_millis(300);
/// Far longer than any of these tests takes.
const LONG: Duration = Duration::from_secs(30);
/// One request to the target, and a report of its response.
const REQUEST: &str = "(call $report (call $await (call $send (call $to_target (call $fields)))))";

fn host() -> Host {
    let options = Options { max_instances: 2, max_requests: 8, max_request_body: 256 << 10, ..Options::default() };
    Host::new(options).expect("a host")
}

/// The result of a guest's `configure`: what it reports, or why it has no result.
async fn run(host: &Host, guest: &[u8], egress: &EgressPolicy, limit: Duration) -> Result<String, HostError> {
    let options = InstanceOptions { egress: egress.clone(), call_timeout: limit, ..InstanceOptions::default() };
    let mut instance = host.load(guest).expect("a plugin").instantiate(options).await?;
    let result = instance.configure(&[]).await;
    if result.is_err() {
        assert!(matches!(instance.configure(&[]).await, Err(HostError::Spent)), "its instance is discarded");
    }
    Ok(result?.map_or_else(|error| name(error.http_status.expect("a report")), |()| "nothing".to_owned()))
}

/// Asserts that the same host runs a guest that gets a response from a server.
async fn assert_still_works(host: &Host) {
    let server = Server::responding().await;
    let egress = allow(&server.origin());
    let report = run(host, &connector(&server.origin(), "", REQUEST), &egress, LONG).await;
    assert_eq!(report.expect("a result"), "response");
}

fn allow(origin: &str) -> EgressPolicy {
    EgressPolicy::deny_all().allow(origin).expect("an origin")
}

/// Asserts that a guest without network access fails as expected, and that the host still works.
async fn assert_fails(more: &str, configure: &str, expected: impl Fn(&HostError) -> bool) {
    let host = host();
    let started = Instant::now();
    let result = run(&host, &connector("", more, configure), &EgressPolicy::deny_all(), SHORT).await;
    let error = result.expect_err("no result");
    assert!(expected(&error), "{error:?}");
    assert!(started.elapsed() < LONG);
    assert_still_works(&host).await;
}

#[tokio::test]
async fn an_endless_loop_times_out() {
    assert_fails("", "(loop (br 0)) unreachable", |error| matches!(error, HostError::TimedOut)).await;
}

#[tokio::test]
async fn an_endless_loop_in_the_start_function_times_out() {
    let endless = "(func $endless (loop (br 0))) (start $endless)";
    assert_fails(endless, "(i32.const 0)", |error| matches!(error, HostError::TimedOut)).await;
}

#[tokio::test]
async fn endless_calls_of_the_host_time_out() {
    let ask = "(loop (call $poll (i32.const 256) (i32.const 0) (i32.const 2048)) (br 0)) unreachable";
    // Polling an empty list traps; a timer without a duration does not.
    assert_fails("", ask, |error| matches!(error, HostError::Trap(None))).await;
    let ask = "(local.set $a (call $timer (i64.const 0))) (loop (call $block (local.get $a)) (br 0)) unreachable";
    assert_fails("", ask, |error| matches!(error, HostError::TimedOut)).await;
}

#[tokio::test]
async fn an_endless_sleep_times_out() {
    let sleep = "(call $block (call $timer (i64.const -1))) unreachable";
    assert_fails("", sleep, |error| matches!(error, HostError::TimedOut)).await;
}

#[tokio::test]
async fn endless_recursion_overflows_the_guests_own_stack() {
    let recursion = "(func $down (param i64) (result i64)
        (i64.add (call $down (i64.add (local.get 0) (i64.const 1))) (local.get 0)))";
    let call = "(drop (call $down (i64.const 0))) unreachable";
    assert_fails(recursion, call, |error| matches!(error, HostError::Trap(Some(Trap::StackOverflow)))).await;
}

#[tokio::test]
async fn an_unreachable_instruction_traps() {
    let unreachable = |error: &HostError| matches!(error, HostError::Trap(Some(Trap::UnreachableCodeReached)));
    assert_fails("", "unreachable", unreachable).await;
    assert_fails("(func $start unreachable) (start $start)", "(i32.const 0)", unreachable).await;
}

#[tokio::test]
async fn a_read_beyond_memory_traps() {
    let beyond = "(i32.load (i32.const -8))";
    assert_fails("", beyond, |error| matches!(error, HostError::Trap(Some(Trap::MemoryOutOfBounds)))).await;
}

#[tokio::test]
async fn a_result_beyond_memory_traps() {
    assert_fails("", "(i32.const -8)", |error| matches!(error, HostError::Trap(_))).await;
}

#[tokio::test]
async fn endless_allocation_is_limited() {
    // The guest retries until its time limit, and writes to all memory that it gets.
    let grow = "(loop
        (if (i32.ne (memory.grow (i32.const 16)) (i32.const -1))
            (then (memory.fill (i32.const 131072) (i32.const 1)
                (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 131072)))))
        (if (i32.gt_u (memory.size) (i32.const 1024)) (then unreachable))
        (br 0)) unreachable";
    assert_fails("", grow, |error| matches!(error, HostError::TimedOut)).await;
}

#[tokio::test]
async fn endless_growth_of_a_table_is_limited() {
    let table = "(table $table 1 funcref)";
    let grow = "(loop
        (if (i32.eq (table.grow $table (ref.null func) (i32.const 1000)) (i32.const -1)) (then unreachable))
        (br 0)) unreachable";
    let refused = |error: &HostError| matches!(error, HostError::Trap(Some(Trap::UnreachableCodeReached)));
    assert_fails(table, grow, refused).await;
}

#[tokio::test]
async fn endless_creation_of_resources_is_stopped() {
    for make in ["(drop (call $fields))", "(drop (call $timer (i64.const 0)))"] {
        assert_fails("", &format!("(loop {make} (br 0)) unreachable"), |error| matches!(error, HostError::Trap(None)))
            .await;
    }
}

#[tokio::test]
async fn endless_headers_are_stopped() {
    let flood = "(local.set $a (call $fields))
        (memory.fill (i32.const 4096) (i32.const 97) (i32.const 8192))
        (loop
            (call $append (local.get $a) (i32.const 4096) (i32.const 4) (i32.const 4096) (i32.const 8192) (i32.const 2048))
            (br 0))
        unreachable";
    assert_fails("", flood, |error| matches!(error, HostError::Trap(None))).await;
}

#[tokio::test]
async fn an_argument_beyond_the_transfer_limit_traps() {
    // A header value of almost 4 GiB lies beyond its memory. One of 60 MiB does not, and is too long.
    for length in ["-65536", "62914560"] {
        let huge = format!(
            "(drop (memory.grow (i32.const 1000)))
             (call $append (call $fields) (i32.const 256) (i32.const 1) (i32.const 4096) (i32.const {length}) (i32.const 2048))
             unreachable"
        );
        assert_fails(
            "",
            &huge,
            |error| matches!(error, HostError::Trap(code) if *code != Some(Trap::UnreachableCodeReached)),
        )
        .await;
    }
}

#[test]
fn a_component_that_exceeds_its_share_of_the_pool_is_not_loaded() {
    let host = host();
    for (items, expected) in [("(memory 1) (memory 1)", "memor"), (&"(table 1 funcref)".repeat(5), "table")] {
        let module = format!("(component (core module $m {items}) (core instance (instantiate $m)))");
        let Err(HostError::Unfit(reason)) = host.load(&wat::parse_str(&module).expect("WAT")) else {
            panic!("{items}")
        };
        assert!(reason.contains(expected), "{reason}");
    }
    let five = "(core instance (instantiate $m))".repeat(5);
    let module = format!("(component (core module $m) {five})");
    let Err(HostError::Unfit(reason)) = host.load(&wat::parse_str(&module).expect("WAT")) else {
        panic!("it was loaded")
    };
    assert!(reason.contains("instance"), "{reason}");
}

#[test]
fn a_component_with_an_initial_memory_beyond_the_limit_is_not_loaded() {
    let module = "(component (core module $m (memory 2000)) (core instance (instantiate $m)))";
    assert!(matches!(host().load(&wat::parse_str(module).expect("WAT")), Err(HostError::Unfit(_))));
}

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

#[tokio::test]
async fn harmful_guests_do_not_affect_a_concurrent_harmless_one() {
    let host = Host::new(Options { max_instances: 9, ..Options::default() }).expect("a host");
    let silent = Server::silent().await;
    let (deny, open) = (EgressPolicy::deny_all(), allow(&silent.origin()));
    let looping = connector("", "", "(loop (br 0)) unreachable");
    let waiting = connector(&silent.origin(), "", REQUEST);
    let harmful = futures::future::join_all((0..8).map(|index| {
        let (guest, egress) = if index % 2 == 0 { (&looping, &deny) } else { (&waiting, &open) };
        run(&host, guest, egress, Duration::from_secs(2))
    }));
    let harmless = async {
        let started = Instant::now();
        assert_still_works(&host).await;
        started.elapsed()
    };
    let (results, harmless) = tokio::join!(harmful, harmless);
    assert!(results.iter().all(|result| matches!(result, Err(HostError::TimedOut))), "{results:?}");
    println!("a harmless guest beside eight harmful ones: {harmless:?}");
    silent.idle().await;
}

#[test]
fn bytes_that_are_not_a_component_are_not_loaded() {
    let host = host();
    for bytes in [
        &b""[..],
        b"\0asm",
        b"\0asm\x0d\0\x01\0",
        &[0xFF; 4096],
        &qualtrics_component::CONNECTOR[..qualtrics_component::CONNECTOR.len() / 2],
    ] {
        assert!(matches!(host.load(bytes), Err(HostError::Unfit(_))));
    }
}
