//! A misbehaving component cannot harm the host. The components are handwritten, each with one call that misbehaves.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use wasmtime::Engine;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};

use qualtrics_component::CONNECTOR;

use crate::contract::{Attempts, Request, Right};
use crate::engine::{ADDRESS_SPACE, DirtyPages, config};
use crate::{Clock, Host, HostError, InstanceOptions, Options, Plugin, SetUp};

const HOUR: Duration = Duration::from_secs(3_600);
const SHORT: Duration = Duration::from_millis(100);

/// A connector whose `configure` runs this WAT and returns the address of its result: at 0 lies a success. All other functions
/// trap.
fn connector(imports: &str, configure: &str) -> Vec<u8> {
    connector_with(imports, &[("configure", configure)])
}

/// A connector whose functions of these names run this WAT. All others trap. The memory up to 1 KiB is zero: at 0 lies the success of
/// `configure`, at 64 an empty manifest.
pub(crate) fn connector_with(imports: &str, functions: &[(&str, &str)]) -> Vec<u8> {
    let exports = [
        ("describe", "(result i32)"),
        ("configure", "(param i32 i32) (result i32)"),
        ("check", "(param i32 i32) (result i32)"),
        ("access", "(param i32 i32) (result i32)"),
        ("delete", "(param i32 i32 i32) (result i32)"),
        ("opt-out", "(param i32 i32) (result i32)"),
        ("poll", "(param i32 i32) (result i32)"),
        ("read", "(param i32 i32 i64 i32) (result i32)"),
    ]
    .map(|(name, signature)| {
        let body = functions.iter().find(|(given, _)| *given == name).map_or("unreachable", |(_, body)| body);
        format!(r#"(func (export "privacy:connector/connector@0.2.0#{name}") {signature} {body})"#)
    })
    .join("\n");
    let module = format!(
        r#"(module
            {imports}
            (memory (export "memory") 1)
            (global $free (mut i32) (i32.const 1024))
            ;; Never frees memory. All addresses are multiples of eight.
            (func (export "cabi_realloc") (param i32 i32 i32) (param $size i32) (result i32) (local $address i32)
                (local.set $address (global.get $free))
                (global.set $free (i32.and (i32.add (i32.add (local.get $address) (local.get $size)) (i32.const 7)) (i32.const -8)))
                (local.get $address))
            {exports})"#
    );
    component(&module)
}

fn component(module: &str) -> Vec<u8> {
    let mut resolve = wit_parser::Resolve::default();
    let (package, _) = resolve.push_dir(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit"))).unwrap();
    let world = resolve.select_world(&[package], Some("plugin")).unwrap();
    let mut module = wat::parse_str(module).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().validate(true).module(&module).unwrap().encode().unwrap()
}

fn host() -> Host {
    Host::new(Options { max_instances: 4, ..Options::default() }).unwrap()
}

#[test]
fn set_up_times_do_not_overlap() {
    let start = Instant::now();
    let host = host();
    let took = start.elapsed();
    let SetUp { trusted_roots, engine, linker } = host.set_up();
    assert!([trusted_roots, engine, linker].into_iter().all(|part| !part.is_zero()));
    assert!(trusted_roots + engine + linker <= took, "{:?} of {took:?}", host.set_up());
}

fn load(configure: &str) -> Plugin {
    host().load(&connector("", configure)).unwrap()
}

#[tokio::test]
async fn an_instance_survives_calls_that_return() {
    let mut instance = load("i32.const 0").instantiate(InstanceOptions::default()).await.unwrap();
    for _ in 0..3 {
        assert_eq!(instance.configure(&[]).await.unwrap(), Ok(()));
    }
}

#[tokio::test]
async fn a_trap_discards_its_instance_and_no_other() {
    let plugin = load("i32.const 0");
    let mut instance = plugin.instantiate(InstanceOptions::default()).await.unwrap();
    let mut other = plugin.instantiate(InstanceOptions::default()).await.unwrap();
    let trap = instance.check(&[Right::Access]).await.unwrap_err();
    assert!(matches!(trap, HostError::Trap(Some(wasmtime::Trap::UnreachableCodeReached))), "{trap:?}");
    assert!(trap.outcome_unknown());
    let spent = instance.configure(&[]).await.unwrap_err();
    assert!(matches!(spent, HostError::Spent) && !spent.outcome_unknown(), "{spent:?}");
    assert_eq!(other.configure(&[]).await.unwrap(), Ok(()));
}

#[tokio::test]
async fn every_call_of_the_contract_reaches_the_component() {
    let plugin = load("unreachable");
    let requests = [Request { attempts: Some(Attempts::at(1)), ..Request::new("", []) }];
    macro_rules! traps {
        ($($call:ident($($argument:expr),*)),*) => {$(
            let mut instance = plugin.instantiate(InstanceOptions::default()).await.unwrap();
            let answer = instance.$call($($argument),*).await;
            assert!(matches!(answer, Err(HostError::Trap(Some(_)))), "{answer:?}");
        )*};
    }
    traps!(
        describe(),
        configure(&[]),
        check(&[]),
        access(&requests),
        delete(&requests, crate::contract::DeletionMode::Preview),
        opt_out(&requests),
        poll(&[]),
        read("", 0, 1)
    );
}

#[tokio::test]
async fn an_endless_loop_times_out_and_lets_other_tasks_run() {
    let options = InstanceOptions { call_timeout: Duration::from_millis(200), ..InstanceOptions::default() };
    let mut instance = load("(loop br 0) i32.const 0").instantiate(options).await.unwrap();
    let mut turns = 0;
    let others = async {
        // This test has one thread: the loop only runs while the guest yields.
        loop {
            turns += 1;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let begin = Instant::now();
    tokio::select! {
        answer = instance.configure(&[]) => assert!(matches!(answer, Err(HostError::TimedOut)), "{answer:?}"),
        () = others => {}
    }
    assert!(begin.elapsed() < Duration::from_secs(10));
    assert!(turns > 1);
    assert!(matches!(instance.configure(&[]).await, Err(HostError::Spent)));
}

#[tokio::test]
async fn dropping_the_future_of_a_call_discards_the_instance() {
    let mut instance = load("(loop br 0) i32.const 0").instantiate(InstanceOptions::default()).await.unwrap();
    tokio::select! {
        answer = instance.configure(&[]) => panic!("{answer:?}"),
        () = tokio::time::sleep(Duration::from_millis(30)) => {}
    }
    assert!(matches!(instance.configure(&[]).await, Err(HostError::Spent)));
}

#[tokio::test]
async fn memory_grows_up_to_its_limit() {
    // Grows until growing fails, and traps unless that is at 1,024 pages.
    let grow = "(block (loop (br_if 1 (i32.eq (memory.grow (i32.const 1)) (i32.const -1))) (br 0)))
                (if (i32.ne (memory.size) (i32.const 1024)) (then unreachable))
                i32.const 0";
    let mut instance = load(grow).instantiate(InstanceOptions::default()).await.unwrap();
    assert_eq!(instance.configure(&[]).await.unwrap(), Ok(()));
}

#[tokio::test]
async fn a_result_beyond_the_transfer_limit_traps() {
    // An error whose message, at offset 12 or nearby, says that it is 32 MiB long: every word of the answer does.
    let huge = "(drop (memory.grow (i32.const 600)))
                (memory.fill (i32.const 0) (i32.const 0) (i32.const 1024))
                (i32.store8 (i32.const 0) (i32.const 1))
                (i32.store (i32.const 32) (i32.const 1024))
                (i32.store (i32.const 36) (i32.const 33554432))
                i32.const 0";
    let mut instance = load(huge).instantiate(InstanceOptions::default()).await.unwrap();
    let answer = instance.configure(&[]).await;
    assert!(matches!(answer, Err(HostError::Trap(None))), "{answer:?}");

    let roomy = Host::new(Options { max_instances: 1, max_transfer: 64 << 20, ..Options::default() }).unwrap();
    let plugin = roomy.load(&connector("", huge)).unwrap();
    let mut instance = plugin.instantiate(InstanceOptions::default()).await.unwrap();
    let error = instance.configure(&[]).await.unwrap().unwrap_err();
    assert_eq!(error.message.len(), 32 << 20);
}

#[tokio::test]
async fn instances_beyond_the_limit_are_refused_until_one_is_dropped() {
    let plugin = load("i32.const 0");
    let mut instances = Vec::new();
    for _ in 0..4 {
        instances.push(plugin.instantiate(InstanceOptions::default()).await.unwrap());
    }
    assert!(matches!(plugin.instantiate(InstanceOptions::default()).await, Err(HostError::Exhausted)));
    instances.pop();
    assert!(plugin.instantiate(InstanceOptions::default()).await.is_ok());
}

/// A connector that waits this long, half of it with each kind of timer.
fn sleeper(time: Duration) -> Vec<u8> {
    let imports = r#"
        (import "wasi:clocks/monotonic-clock@0.2.0" "now" (func $now (result i64)))
        (import "wasi:clocks/monotonic-clock@0.2.0" "subscribe-duration" (func $duration (param i64) (result i32)))
        (import "wasi:clocks/monotonic-clock@0.2.0" "subscribe-instant" (func $instant (param i64) (result i32)))
        (import "wasi:io/poll@0.2.0" "[method]pollable.block" (func $block (param i32)))"#;
    let half = time.as_nanos() / 2;
    let configure = format!(
        "(call $block (call $duration (i64.const {half})))
         (call $block (call $instant (i64.add (call $now) (i64.const {half}))))
         i32.const 0"
    );
    connector(imports, &configure)
}

#[tokio::test]
async fn a_guest_that_only_waits_moves_a_simulated_clock() {
    let clock = Clock::simulated(1_750_000_000);
    let options = InstanceOptions { clock: clock.clone(), ..InstanceOptions::default() };
    let mut instance = host().load(&sleeper(HOUR)).unwrap().instantiate(options).await.unwrap();
    let begin = Instant::now();
    assert_eq!(instance.configure(&[]).await.unwrap(), Ok(()));
    assert_eq!(clock.since_epoch(), Duration::from_secs(1_750_003_600));
    assert!(begin.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn a_guest_waits_in_real_time_with_the_system_clock() {
    let mut instance = host().load(&sleeper(SHORT)).unwrap().instantiate(InstanceOptions::default()).await.unwrap();
    let begin = Instant::now();
    assert_eq!(instance.configure(&[]).await.unwrap(), Ok(()));
    assert!(begin.elapsed() >= SHORT);
}

#[tokio::test]
async fn a_wait_is_ended_by_the_time_limit_of_the_call() {
    let options = InstanceOptions { call_timeout: Duration::from_millis(50), ..InstanceOptions::default() };
    let mut instance = host().load(&sleeper(HOUR)).unwrap().instantiate(options).await.unwrap();
    assert!(matches!(instance.configure(&[]).await, Err(HostError::TimedOut)));
}

#[test]
fn a_component_that_imports_anything_else_is_not_loaded() {
    let host = host();
    for (interface, function) in [
        ("wasi:cli/exit@0.2.0", r#""exit" (func (param "status" (result)))"#),
        ("wasi:filesystem/preopens@0.2.0", r#""get-directories" (func)"#),
        ("wasi:http/incoming-handler@0.2.0", r#""handle" (func)"#),
        ("wasi:random/random@0.2.0", r#""get-random-u64" (func (result u64))"#),
        ("wasi:sockets/instance-network@0.2.0", r#""instance-network" (func)"#),
    ] {
        let foreign = format!(r#"(component (import "{interface}" (instance (export {function}))))"#);
        let Err(HostError::Unfit(why)) = host.load(&wat::parse_str(foreign).unwrap()) else { panic!("{interface}") };
        assert!(why.contains(interface), "{why}");
    }
}

#[test]
fn a_component_that_is_no_connector_is_not_loaded() {
    let Err(HostError::Unfit(why)) = host().load(&wat::parse_str("(component)").unwrap()) else {
        panic!("it was loaded")
    };
    assert!(why.contains("privacy:connector/connector@0.2.0"), "{why}");
    assert!(matches!(host().load(b"not WebAssembly"), Err(HostError::Unfit(_))));
}

#[test]
fn the_imports_of_a_plugin_are_listed() {
    let plugin = host().load(&sleeper(HOUR)).unwrap();
    let imports: BTreeSet<_> = plugin.imports().iter().map(String::as_str).collect();
    assert_eq!(imports, BTreeSet::from(["wasi:clocks/monotonic-clock@0.2.0", "wasi:io/poll@0.2.0"]));
    assert_eq!(load("i32.const 0").imports().len(), 0);
}

#[tokio::test]
async fn precompiled_code_runs_only_in_a_host_with_the_same_options() {
    let code = load("i32.const 0").precompile().unwrap();
    let mut instance = host().load_precompiled(&code).unwrap().instantiate(InstanceOptions::default()).await.unwrap();
    assert_eq!(instance.configure(&[]).await.unwrap(), Ok(()));

    let other = Host::new(Options { pooled: false, ..Options::default() }).unwrap();
    assert!(matches!(other.load_precompiled(&code), Err(HostError::Unfit(_))));
}

#[tokio::test]
async fn precompiled_code_is_written_to_a_new_file() {
    let code = load("i32.const 0").precompile().unwrap();
    let file = std::env::temp_dir().join(format!("qualtrics-code-{}", std::process::id()));
    let in_file = code.write_to(file.clone()).unwrap();
    assert_eq!((code.as_bytes(), in_file.as_bytes()), (Some(&*std::fs::read(&file).unwrap()), None));
    let again = code.write_to(file.clone()).expect_err("the file exists");
    assert_eq!(again.kind(), std::io::ErrorKind::AlreadyExists);
    let mut instance =
        host().load_precompiled(&in_file).unwrap().instantiate(InstanceOptions::default()).await.unwrap();
    assert_eq!(instance.configure(&[]).await.unwrap(), Ok(()));
    std::fs::remove_file(file).unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn a_host_with_a_code_cache_compiles_a_component_once() {
    let directory = std::env::temp_dir().join(format!("privacy-host-code-{}", std::process::id()));
    let host = || Host::new(Options { code_cache: Some(directory.clone()), ..Options::default() }).unwrap();
    let files = || std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    // Their `configure` succeeds and traps.
    let [good, bad] = ["i32.const 0", "unreachable"].map(|configure| connector("", configure));
    host().load(&good).unwrap();
    let file_of_good = files().remove(0);
    host().load(&bad).unwrap();
    let file_of_bad = files().into_iter().find(|file| *file != file_of_good).unwrap();
    // The machine code decides, not the component: it was not compiled again.
    std::fs::rename(file_of_good, file_of_bad).unwrap();
    let mut instance = host().load(&bad).unwrap().instantiate(InstanceOptions::default()).await.unwrap();
    assert_eq!(instance.configure(&[]).await.unwrap(), Ok(()));
    std::fs::remove_dir_all(directory).unwrap();
}

#[tokio::test]
async fn without_a_pool_instances_allocate_on_demand() {
    let host = Host::new(Options { pooled: false, max_instances: 1, ..Options::default() }).unwrap();
    let plugin = host.load(CONNECTOR).unwrap();
    let mut one = plugin.instantiate(InstanceOptions::default()).await.unwrap();
    let mut other = plugin.instantiate(InstanceOptions::default()).await.unwrap();
    assert_eq!(one.describe().await.unwrap(), other.describe().await.unwrap());
    assert_eq!(one.memory(), other.memory());
}

#[tokio::test]
async fn an_out_of_bounds_access_traps_with_and_without_a_pool() {
    for pooled in [true, false] {
        let host = Host::new(Options { pooled, max_instances: 1, ..Options::default() }).unwrap();
        for address in ["65536", "0x7fff_ffff", "-4"] {
            let plugin = host.load(&connector("", &format!("(i32.load (i32.const {address}))"))).unwrap();
            let mut instance = plugin.instantiate(InstanceOptions::default()).await.unwrap();
            let trap = instance.configure(&[]).await.unwrap_err();
            assert!(matches!(trap, HostError::Trap(Some(wasmtime::Trap::MemoryOutOfBounds))), "{address}: {trap:?}");
        }
    }
}

#[tokio::test]
async fn a_host_works_with_too_little_address_space_for_full_reservations() {
    // A process can address 64 MiB for each of 50,000 components, but not 4 GiB.
    let options = Options { max_instances: 1_000, max_components: 50, ..Options::default() };
    assert!(Engine::new(&config(&options, ADDRESS_SPACE, DirtyPages::Tracked)).is_err());
    assert!(Engine::new(&config(&options, ADDRESS_SPACE, DirtyPages::Untracked)).is_err());
    let plugin = Host::new(options).unwrap().load(CONNECTOR).unwrap();
    let mut instance = plugin.instantiate(InstanceOptions::default()).await.unwrap();
    assert!(!instance.describe().await.unwrap().name.is_empty());
}

#[tokio::test]
async fn a_host_runs_on_an_engine_of_the_program() {
    let options = Options { max_instances: 2, ..Options::default() };
    let engine = Engine::new(&Host::engine_config(&options)).unwrap();
    let host = Host::with_engine(&engine, options).unwrap();
    assert!(Engine::same(host.engine(), &engine));
    let plugin = host.load(&connector("", "(loop br 0) i32.const 0")).unwrap();
    let options = InstanceOptions { call_timeout: SHORT, ..InstanceOptions::default() };
    let mut instance = plugin.instantiate(options).await.unwrap();
    assert!(matches!(instance.configure(&[]).await, Err(HostError::TimedOut)));
}

#[test]
fn an_engine_that_cannot_interrupt_guests_is_rejected() {
    let engine = Engine::default();
    let Err(HostError::Options(why)) = Host::with_engine(&engine, Options::default()) else { panic!("no error") };
    assert!(why.contains("epoch_interruption"), "{why}");
}

#[test]
fn an_engine_that_limits_fuel_is_rejected() {
    let options = Options { max_instances: 2, ..Options::default() };
    let engine = Engine::new(Host::engine_config(&options).consume_fuel(true)).unwrap();
    let Err(HostError::Options(why)) = Host::with_engine(&engine, options) else { panic!("no error") };
    assert!(why.contains("consume_fuel"), "{why}");
}
