//! Guests that loop, wait, trap or allocate.

use std::time::Instant;

use privacy_host::{EgressPolicy, HostError};
use wasmtime::Trap;

use crate::guest::connector;
use crate::{LONG, SHORT, assert_still_works, host, run};

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
