//! The interfaces that components may import.

use wasmtime::Engine;
use wasmtime::component::{HasData, Linker, ResourceTable};
use wasmtime_wasi::p2::bindings::{cli, clocks, io};

use crate::clocks::HasClocks;
use crate::environment::HasEnvironment;
use crate::state::State;

/// A linker with everything that a component may import. The interfaces of `wasi:clocks` and `wasi:io` are added one by one:
/// wasmtime's function that adds them all also adds random numbers and the standard streams.
pub(crate) fn linker(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    let to = &mut linker;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(to)?;
    clocks::wall_clock::add_to_linker::<State, HasClocks>(to, State::clocks)?;
    clocks::monotonic_clock::add_to_linker::<State, HasClocks>(to, State::clocks)?;
    cli::environment::add_to_linker::<State, HasEnvironment>(to, State::environment)?;
    io::error::add_to_linker::<State, HasTable>(to, State::table)?;
    io::poll::add_to_linker::<State, HasTable>(to, State::table)?;
    io::streams::add_to_linker::<State, HasTable>(to, State::table)?;
    Ok(linker)
}

struct HasTable;

impl HasData for HasTable {
    type Data<'a> = &'a mut ResourceTable;
}
