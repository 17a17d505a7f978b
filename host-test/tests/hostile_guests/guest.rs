//! Handwritten components. Each does one thing that a defective or malicious plugin could do.

use std::path::Path;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{Resolve, TypeDefKind};

/// The code that a guest reports for a response, in place of an error code.
const RESPONDED: u16 = 999;

/// The functions of all guests, and the result of `configure` at address 0. The result is a success until `$report` turns it into an
/// error whose `http-status` is the reported code.
const PRELUDE: &str = r#"
    (import "wasi:http/types@0.2.0" "[constructor]fields" (func $fields (result i32)))
    (import "wasi:http/types@0.2.0" "[method]fields.append" (func $append (param i32 i32 i32 i32 i32 i32)))
    (import "wasi:http/types@0.2.0" "[constructor]outgoing-request" (func $request (param i32) (result i32)))
    (import "wasi:http/types@0.2.0" "[method]outgoing-request.set-method"
        (func $set_method (param i32 i32 i32 i32) (result i32)))
    (import "wasi:http/types@0.2.0" "[method]outgoing-request.set-scheme"
        (func $set_scheme (param i32 i32 i32 i32 i32) (result i32)))
    (import "wasi:http/types@0.2.0" "[method]outgoing-request.set-authority"
        (func $set_authority (param i32 i32 i32 i32) (result i32)))
    (import "wasi:http/types@0.2.0" "[method]outgoing-request.set-path-with-query"
        (func $set_path (param i32 i32 i32 i32) (result i32)))
    (import "wasi:http/types@0.2.0" "[method]outgoing-request.body" (func $body (param i32 i32)))
    (import "wasi:http/types@0.2.0" "[method]outgoing-body.write" (func $write (param i32 i32)))
    (import "wasi:io/streams@0.2.0" "[method]output-stream.blocking-write-and-flush"
        (func $flush (param i32 i32 i32 i32)))
    (import "wasi:http/outgoing-handler@0.2.0" "handle" (func $handle (param i32 i32 i32 i32)))
    (import "wasi:http/types@0.2.0" "[method]future-incoming-response.subscribe" (func $subscribe (param i32) (result i32)))
    (import "wasi:http/types@0.2.0" "[method]future-incoming-response.get" (func $get (param i32 i32)))
    (import "wasi:io/poll@0.2.0" "[method]pollable.block" (func $block (param i32)))
    (import "wasi:io/poll@0.2.0" "poll" (func $poll (param i32 i32 i32)))
    (import "wasi:clocks/monotonic-clock@0.2.0" "subscribe-duration" (func $timer (param i64) (result i32)))

    (memory (export "memory") 4)
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))

    (func $report (param $code i32) (result i32)
        (i32.store8 (i32.const 0) (i32.const 1))
        (i32.store8 (i32.const 48) (i32.const 1))
        (i32.store16 (i32.const 50) (local.get $code))
        (i32.const 0))

    ;; A request with these headers to the target of the test.
    (func $to_target (param $headers i32) (result i32) (local $request i32)
        (local.set $request (call $request (local.get $headers)))
        (if (call $set_scheme (local.get $request) (i32.const 1) (i32.const TLS) (i32.const 0) (i32.const 0))
            (then unreachable))
        (if (call $set_authority (local.get $request) (i32.const 1) (i32.const 256) (i32.const LENGTH))
            (then unreachable))
        (if (call $set_path (local.get $request) (i32.const 1) (i32.const 255) (i32.const 1)) (then unreachable))
        (local.get $request))

    ;; Sends a request and returns the future response. Traps if the host rejects the request at once.
    (func $send (param $request i32) (result i32)
        (call $handle (local.get $request) (i32.const 0) (i32.const 0) (i32.const 2048))
        (if (i32.load8_u (i32.const 2048)) (then unreachable))
        (i32.load (i32.const 2056)))

    ;; Waits for the response, and returns the code to report.
    (func $await (param $future i32) (result i32)
        (call $block (call $subscribe (local.get $future)))
        (call $get (local.get $future) (i32.const 2048))
        (if (i32.or (i32.eqz (i32.load8_u (i32.const 2048))) (i32.load8_u (i32.const 2056))) (then unreachable))
        (if (result i32) (i32.load8_u (i32.const 2064))
            (then (i32.load8_u (i32.const 2072)))
            (else (i32.const 999))))
"#;

/// A connector whose function `configure` runs this WAT, which leaves the address of the result on the stack. `target` is the origin of
/// its requests. `more` is added to its module. All other functions trap.
pub fn connector(target: &str, more: &str, configure: &str) -> Vec<u8> {
    let (scheme, authority) = target.split_once("://").unwrap_or(("https", "nobody.invalid"));
    let tls = if scheme == "https" { "1" } else { "0" };
    let prelude = PRELUDE.replace("TLS", tls).replace("LENGTH", &authority.len().to_string());
    let others = [
        ("describe", "(result i32)"),
        ("check", "(param i32 i32) (result i32)"),
        ("access", "(param i32 i32) (result i32)"),
        ("delete", "(param i32 i32 i32) (result i32)"),
        ("opt-out", "(param i32 i32) (result i32)"),
        ("poll", "(param i32 i32) (result i32)"),
        ("read", "(param i32 i32 i64 i32) (result i32)"),
    ]
    .map(|(name, signature)| {
        format!(r#"(func (export "privacy:connector/connector@0.2.0#{name}") {signature} unreachable)"#)
    })
    .join("\n");
    component(&format!(
        r#"(module {prelude}
            (data (i32.const 255) "/{authority}")
            {more}
            (func (export "privacy:connector/connector@0.2.0#configure") (param i32 i32) (result i32)
                (local $a i32) (local $b i32)
                {configure})
            {others})"#
    ))
}

/// The component of a core module of the world `plugin`.
fn component(module: &str) -> Vec<u8> {
    let (resolve, world) = contract();
    let mut module = wat::parse_str(module).expect("WAT");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).expect("the world");
    ComponentEncoder::default().validate(true).module(&module).expect("a module").encode().expect("a component")
}

/// The name of a reported code.
pub fn name(reported: u16) -> String {
    if reported == RESPONDED {
        return "response".to_owned();
    }
    let (resolve, _) = contract();
    let code = resolve.types.iter().find(|(_, of)| of.name.as_deref() == Some("error-code")).expect("wasi:http");
    let TypeDefKind::Variant(codes) = &code.1.kind else { panic!("error-code is a variant") };
    codes.cases[usize::from(reported)].name.clone()
}

fn contract() -> (Resolve, wit_parser::WorldId) {
    let mut resolve = Resolve::default();
    let wit = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../wit"));
    let (package, _) = resolve.push_dir(wit).expect("the contract");
    let world = resolve.select_world(&[package], Some("plugin")).expect("the world");
    (resolve, world)
}
