//! Handwritten gateways, each with one defect.

use std::path::Path;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// A gateway whose `handle` runs this WAT. `$request` and `$response` are its parameters.
pub fn gateway(handle: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    resolve.push_dir(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../wit"))).expect("the contract");
    let world = "package test:gateway; world gateway { export wasi:http/incoming-handler@0.2.0; }";
    let package = resolve.push_str("world.wit", world).expect("a world");
    let world = resolve.select_world(&[package], Some("gateway")).expect("the world");
    let module = format!(
        r#"(module
            (memory (export "memory") 1)
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
            (func (export "wasi:http/incoming-handler@0.2.0#handle") (param $request i32) (param $response i32) {handle}))"#
    );
    let mut module = wat::parse_str(&module).expect("WAT");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).expect("the world");
    ComponentEncoder::default().validate(true).module(&module).expect("a module").encode().expect("a component")
}
