//! Whatever a plugin does, the host survives it, and serves its next instance as if nothing had been.
//!
//! Every guest here is a component that was written by hand to do one evil thing. Each test ends with a good guest on the
//! same host.

mod guest;
mod server;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use guest::{connector, name};
use host_test::host::{EgressPolicy, Host, HostError, InstanceOptions, Options};
use server::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wasmtime::Trap;

/// How long a guest may take here.
const SHORT: Duration = Duration::from_millis(300);
/// Far more than any of these tests takes, and far less than for ever.
const LONG: Duration = Duration::from_secs(30);
/// One request to the target; what became of it is told.
const ASK: &str = "(call $tell (call $fate (call $send (call $to_target (call $fields)))))";

fn host() -> Host {
    let options = Options { max_instances: 2, max_requests: 8, max_request_body: 256 << 10, ..Options::default() };
    Host::new(options).expect("a host")
}

/// How a guest's call of `configure` ended: what it told, or why it told nothing.
async fn run(host: &Host, guest: &[u8], egress: &EgressPolicy, limit: Duration) -> Result<String, HostError> {
    let options = InstanceOptions { egress: egress.clone(), call_timeout: limit, ..InstanceOptions::default() };
    let mut instance = host.load(guest).expect("a plugin").instantiate(options).await?;
    let answer = instance.configure(&[]).await;
    if answer.is_err() {
        assert!(matches!(instance.configure(&[]).await, Err(HostError::Spent)), "its instance is gone");
    }
    Ok(answer?.map_or_else(|error| name(error.http_status.expect("what it tells")), |()| "nothing".to_owned()))
}

/// The same host runs a guest that asks a server, and has its answer.
async fn still_serves(host: &Host) {
    let server = Server::good().await;
    let egress = allow(&server.origin());
    let told = run(host, &connector(&server.origin(), "", ASK), &egress, LONG).await;
    assert_eq!(told.expect("an answer"), "answered");
}

fn allow(origin: &str) -> EgressPolicy {
    EgressPolicy::deny_all().allow(origin).expect("an origin")
}

/// A guest that needs no network comes to this end, and the host survives it.
async fn ends(more: &str, configure: &str, expected: impl Fn(&HostError) -> bool) {
    let host = host();
    let begin = Instant::now();
    let end = run(&host, &connector("", more, configure), &EgressPolicy::deny_all(), SHORT).await;
    let error = end.expect_err("no answer");
    assert!(expected(&error), "{error:?}");
    assert!(begin.elapsed() < LONG);
    still_serves(&host).await;
}

#[tokio::test]
async fn a_guest_that_loops_is_out_of_time() {
    ends("", "(loop (br 0)) unreachable", |error| matches!(error, HostError::TimedOut)).await;
}

#[tokio::test]
async fn a_guest_that_loops_before_it_exists_is_out_of_time() {
    let endless = "(func $endless (loop (br 0))) (start $endless)";
    ends(endless, "(i32.const 0)", |error| matches!(error, HostError::TimedOut)).await;
}

#[tokio::test]
async fn a_guest_that_asks_the_host_for_ever_is_out_of_time() {
    let ask = "(loop (call $poll (i32.const 256) (i32.const 0) (i32.const 2048)) (br 0)) unreachable";
    // Polling an empty list is a defect of the guest, and stops it; a timer of no length is none.
    ends("", ask, |error| matches!(error, HostError::Trap(None))).await;
    let ask = "(local.set $a (call $timer (i64.const 0))) (loop (call $block (local.get $a)) (br 0)) unreachable";
    ends("", ask, |error| matches!(error, HostError::TimedOut)).await;
}

#[tokio::test]
async fn a_guest_that_sleeps_for_ever_is_out_of_time() {
    let sleep = "(call $block (call $timer (i64.const -1))) unreachable";
    ends("", sleep, |error| matches!(error, HostError::TimedOut)).await;
}

#[tokio::test]
async fn a_guest_that_calls_itself_for_ever_overflows_its_own_stack() {
    let recursion = "(func $down (param i64) (result i64)
        (i64.add (call $down (i64.add (local.get 0) (i64.const 1))) (local.get 0)))";
    let call = "(drop (call $down (i64.const 0))) unreachable";
    ends(recursion, call, |error| matches!(error, HostError::Trap(Some(Trap::StackOverflow)))).await;
}

#[tokio::test]
async fn a_guest_that_is_unreachable_traps() {
    let unreachable = |error: &HostError| matches!(error, HostError::Trap(Some(Trap::UnreachableCodeReached)));
    ends("", "unreachable", unreachable).await;
    ends("(func $start unreachable) (start $start)", "(i32.const 0)", unreachable).await;
}

#[tokio::test]
async fn a_guest_that_reads_beyond_its_memory_traps() {
    let beyond = "(i32.load (i32.const -8))";
    ends("", beyond, |error| matches!(error, HostError::Trap(Some(Trap::MemoryOutOfBounds)))).await;
}

#[tokio::test]
async fn a_guest_whose_answer_lies_beyond_its_memory_traps() {
    ends("", "(i32.const -8)", |error| matches!(error, HostError::Trap(_))).await;
}

#[tokio::test]
async fn a_guest_that_allocates_for_ever_gets_its_limit_and_no_more() {
    // It insists, until its time is over; and what it has, it writes to.
    let grow = "(loop
        (if (i32.ne (memory.grow (i32.const 16)) (i32.const -1))
            (then (memory.fill (i32.const 131072) (i32.const 1)
                (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 131072)))))
        (if (i32.gt_u (memory.size) (i32.const 1024)) (then unreachable))
        (br 0)) unreachable";
    ends("", grow, |error| matches!(error, HostError::TimedOut)).await;
}

#[tokio::test]
async fn a_guest_that_grows_a_table_for_ever_is_refused() {
    let table = "(table $table 1 funcref)";
    let grow = "(loop
        (if (i32.eq (table.grow $table (ref.null func) (i32.const 1000)) (i32.const -1)) (then unreachable))
        (br 0)) unreachable";
    let refused = |error: &HostError| matches!(error, HostError::Trap(Some(Trap::UnreachableCodeReached)));
    ends(table, grow, refused).await;
}

#[tokio::test]
async fn a_guest_that_makes_resources_for_ever_is_stopped() {
    for make in ["(drop (call $fields))", "(drop (call $timer (i64.const 0)))"] {
        ends("", &format!("(loop {make} (br 0)) unreachable"), |error| matches!(error, HostError::Trap(None))).await;
    }
}

#[tokio::test]
async fn a_guest_that_adds_headers_for_ever_is_stopped() {
    let flood = "(local.set $a (call $fields))
        (memory.fill (i32.const 4096) (i32.const 97) (i32.const 8192))
        (loop
            (call $append (local.get $a) (i32.const 4096) (i32.const 4) (i32.const 4096) (i32.const 8192) (i32.const 2048))
            (br 0))
        unreachable";
    ends("", flood, |error| matches!(error, HostError::Trap(None))).await;
}

#[tokio::test]
async fn a_guest_that_hands_over_more_than_its_limit_is_stopped() {
    // A header's value of four gigabytes less one page does not lie in its memory; one of 60 MiB does, and is too long.
    for length in ["-65536", "62914560"] {
        let huge = format!(
            "(drop (memory.grow (i32.const 1000)))
             (call $append (call $fields) (i32.const 256) (i32.const 1) (i32.const 4096) (i32.const {length}) (i32.const 2048))
             unreachable"
        );
        ends("", &huge, |error| matches!(error, HostError::Trap(code) if *code != Some(Trap::UnreachableCodeReached)))
            .await;
    }
}

#[test]
fn a_component_that_would_take_more_than_its_share_of_the_pool_is_not_loaded() {
    let host = host();
    for (many, why) in [("(memory 1) (memory 1)", "memor"), (&"(table 1 funcref)".repeat(5), "table")] {
        let module = format!("(component (core module $m {many}) (core instance (instantiate $m)))");
        let Err(HostError::Unfit(told)) = host.load(&wat::parse_str(&module).expect("WAT")) else { panic!("{many}") };
        assert!(told.contains(why), "{told}");
    }
    let five = "(core instance (instantiate $m))".repeat(5);
    let module = format!("(component (core module $m) {five})");
    let Err(HostError::Unfit(told)) = host.load(&wat::parse_str(&module).expect("WAT")) else {
        panic!("it was loaded")
    };
    assert!(told.contains("instance"), "{told}");
}

#[test]
fn a_memory_that_begins_beyond_the_limit_is_not_loaded() {
    let module = "(component (core module $m (memory 2000)) (core instance (instantiate $m)))";
    assert!(matches!(host().load(&wat::parse_str(module).expect("WAT")), Err(HostError::Unfit(_))));
}

#[tokio::test]
async fn a_guest_reaches_no_address_that_is_not_allowed_however_it_is_written() {
    let host = host();
    let server = Server::good().await;
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
            let told = run(&host, &connector(&target, "", ASK), &policy, LONG).await;
            assert_eq!(told.expect("an answer"), "HTTP-request-denied", "{target}");
        }
    }
    assert_eq!(server.connections(), 0);
    still_serves(&host).await;
}

#[tokio::test]
async fn a_loopback_address_that_is_allowed_is_not_allowed_in_another_spelling() {
    let host = host();
    let server = Server::good().await;
    let (port, egress) = (server.port(), allow(&server.origin()));
    for target in [format!("http://[::ffff:127.0.0.1]:{port}"), format!("http://localhost:{port}")] {
        let told = run(&host, &connector(&target, "", ASK), &egress, LONG).await;
        assert_eq!(told.expect("an answer"), "HTTP-request-denied", "{target}");
    }
    assert_eq!(server.connections(), 0);
    still_serves(&host).await;
}

#[tokio::test]
async fn a_name_that_is_allowed_and_leads_to_the_machine_itself_is_not_contacted() {
    let host = host();
    let server = Server::good().await;
    let target = format!("https://localhost:{}", server.port());
    let told = run(&host, &connector(&target, "", ASK), &allow(&target), LONG).await;
    assert_eq!(told.expect("an answer"), "destination-IP-prohibited");
    assert_eq!(server.connections(), 0);
    still_serves(&host).await;
}

#[tokio::test]
async fn a_guest_makes_no_tunnel_of_a_connection() {
    let host = host();
    let server = Server::good().await;
    let connect = "(local.set $a (call $to_target (call $fields)))
        (if (call $set_method (local.get $a) (i32.const 5) (i32.const 0) (i32.const 0)) (then unreachable))
        (call $tell (call $fate (call $send (local.get $a))))";
    let told = run(&host, &connector(&server.origin(), "", connect), &allow(&server.origin()), LONG).await;
    assert_eq!(told.expect("an answer"), "HTTP-request-method-invalid");
    assert_eq!(server.connections(), 0);
    still_serves(&host).await;
}

#[tokio::test]
async fn a_guest_that_opens_connections_without_end_gets_a_few_which_end_with_it() {
    let host = host();
    let server = Server::silent().await;
    // A hundred requests; the fate of the last is told, while all the others wait.
    let hundred = "(loop
            (local.set $b (call $send (call $to_target (call $fields))))
            (br_if 0 (i32.lt_u (local.tee $a (i32.add (local.get $a) (i32.const 1))) (i32.const 100))))
        (call $tell (call $fate (local.get $b)))";
    let told = run(&host, &connector(&server.origin(), "", hundred), &allow(&server.origin()), LONG).await;
    assert_eq!(told.expect("an answer"), "connection-limit-reached");
    server.deserted().await;
    // The host stops the one that never stops.
    let endless = "(loop (drop (call $send (call $to_target (call $fields)))) (br 0)) unreachable";
    let end = run(&host, &connector(&server.origin(), "", endless), &allow(&server.origin()), LONG).await;
    assert!(matches!(end, Err(HostError::Trap(None))), "{end:?}");
    server.deserted().await;
    assert!(server.connections() <= 16, "{} connections of two guests with eight requests each", server.connections());
    still_serves(&host).await;
}

#[tokio::test]
async fn a_guest_whose_request_is_never_answered_is_out_of_time_and_its_connection_closed() {
    let host = host();
    let server = Server::silent().await;
    let end = run(&host, &connector(&server.origin(), "", ASK), &allow(&server.origin()), SHORT).await;
    assert!(matches!(end, Err(HostError::TimedOut)), "{end:?}");
    server.deserted().await;
    assert_eq!(server.connections(), 1);
    still_serves(&host).await;
}

#[tokio::test]
async fn a_guest_that_sends_without_end_gets_its_limit_through_and_no_more() {
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
    // Writes 4 KiB at a time until that fails, and tells why there is no answer.
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
        (call $tell (call $fate (local.get $a)))";
    let told = run(&host, &connector(&server.origin(), "", flood), &allow(&server.origin()), LONG).await;
    assert_eq!(told.expect("an answer"), "HTTP-request-body-size");
    server.deserted().await;
    let received = received.load(Ordering::SeqCst);
    // Chunks have frames, and the request has a head.
    assert!((200 << 10..300 << 10).contains(&received), "{received} bytes");
    still_serves(&host).await;
}

#[tokio::test]
async fn an_answer_that_is_never_read_waits_at_the_server() {
    let host = host();
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = sent.clone();
    let server = Server::start(move |mut stream| {
        let counter = counter.clone();
        async move {
            let mut head = [0; 1024];
            // What it asks for does not matter.
            let _ = stream.read(&mut head).await?;
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
            loop {
                counter.fetch_add(stream.write(&[0; 64 << 10]).await?, Ordering::SeqCst);
            }
        }
    })
    .await;
    let unread =
        "(if (i32.ne (call $fate (call $send (call $to_target (call $fields)))) (i32.const 999)) (then unreachable))
        (call $block (call $timer (i64.const -1))) unreachable";
    let end =
        run(&host, &connector(&server.origin(), "", unread), &allow(&server.origin()), Duration::from_secs(1)).await;
    assert!(matches!(end, Err(HostError::TimedOut)), "{end:?}");
    server.deserted().await;
    // What the system's sockets hold, and nothing beyond.
    let sent = sent.load(Ordering::SeqCst);
    assert!(sent < 32 << 20, "{sent} bytes");
    still_serves(&host).await;
}

#[tokio::test]
async fn a_head_without_end_is_not_taken() {
    let host = host();
    let server = Server::start(|mut stream| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\nx: ").await?;
        loop {
            stream.write_all(&[b'a'; 64 << 10]).await?;
        }
    })
    .await;
    let told = run(&host, &connector(&server.origin(), "", ASK), &allow(&server.origin()), LONG).await;
    assert_eq!(told.expect("an answer"), "HTTP-response-header-section-size");
    server.deserted().await;
    still_serves(&host).await;
}

#[tokio::test]
async fn guests_that_misbehave_at_once_do_not_keep_a_good_one_from_its_answer() {
    let host = Host::new(Options { max_instances: 9, ..Options::default() }).expect("a host");
    let silent = Server::silent().await;
    let (deny, open) = (EgressPolicy::deny_all(), allow(&silent.origin()));
    let looping = connector("", "", "(loop (br 0)) unreachable");
    let waiting = connector(&silent.origin(), "", ASK);
    let evil = futures::future::join_all((0..8).map(|index| {
        let (guest, egress) = if index % 2 == 0 { (&looping, &deny) } else { (&waiting, &open) };
        run(&host, guest, egress, Duration::from_secs(2))
    }));
    let good = async {
        let begin = Instant::now();
        still_serves(&host).await;
        begin.elapsed()
    };
    let (ends, good) = tokio::join!(evil, good);
    assert!(ends.iter().all(|end| matches!(end, Err(HostError::TimedOut))), "{ends:?}");
    println!("a good guest among eight evil ones: {good:?}");
    silent.deserted().await;
}

#[test]
fn what_is_no_component_is_not_loaded() {
    let host = host();
    for bytes in [
        &b""[..],
        b"\0asm",
        b"\0asm\x0d\0\x01\0",
        &[0xFF; 4096],
        &host_test::COMPONENT[..host_test::COMPONENT.len() / 2],
    ] {
        assert!(matches!(host.load(bytes), Err(HostError::Unfit(_))));
    }
}
