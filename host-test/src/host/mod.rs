//! A host for privacy connectors: it runs components of the world `privacy:connector/plugin` and nothing else.
//!
//! A [`Host`] loads components as [`Plugin`]s; a plugin makes [`Instance`]s; an instance serves one connection. Instances are
//! cheap (microseconds), so that one for each call is a good choice, and so is one for a whole request.
//!
//! What a component can do is the sum of what it is given here: HTTP to the origins of its [`EgressPolicy`], two
//! clocks, and streams to read the answers. It has no files, no random numbers, no other sockets, and nowhere to write to; its
//! environment is empty, but for what is put there. Its memory, its time and what it hands over are limited.
//!
//! A [`Gateway`] is a connector composed with a component that answers HTTP requests. It is held to the same limits.
//!
//! **A `delete` call without a result counts as `outcome-unknown` for each of its requests**, whether it trapped or timed out
//! ([`HostError::outcome_unknown`]) or the host itself crashed. Store the time before each call of `delete`, and pass it as
//! `attempts` in the next.
//!
//! **Bodies may stay open between two calls.** A connector that reads a document piece by piece keeps the answer's
//! connection in its instance. Nothing of an instance runs between its calls, and nothing has to: the connection waits, and
//! the server with it. A server that loses its patience closes it; the connector then opens the document anew. Dropping the
//! instance closes such connections at once.
//!
//! ```no_run
//! use host_test::COMPONENT;
//! use host_test::host::{EgressPolicy, Host, InstanceOptions, Options, contract::Setting};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let host = Host::new(Options::default())?;
//! let plugin = host.load(COMPONENT)?;
//! let manifest = plugin.instantiate(InstanceOptions::default()).await?.describe().await?;
//!
//! let egress = EgressPolicy::of_manifest(manifest.egress.iter().map(String::as_str))?;
//! let mut instance = plugin.instantiate(InstanceOptions { egress, ..Default::default() }).await?;
//! instance.configure(&[Setting::new("datacenter-id", "fra1"), Setting::new("client-id", "…")]).await??;
//! # Ok(())
//! # }
//! ```

pub mod budget;
mod calls;
mod compilation;
pub mod egress;
mod environment;
mod epoch;
mod error;
mod gateway;
mod instance;
mod outbound;
mod plugin;
mod precompiled;
mod serve;
mod time;

#[cfg(test)]
mod compatibility;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::component::{HasData, Linker, ResourceTable};
use wasmtime::{Config, Enabled, Engine, PoolingAllocationConfig};
use wasmtime_wasi::p2::bindings::{cli, clocks, io};

pub use privacy_contract as contract;

pub use budget::Budget;
pub use egress::EgressPolicy;
pub use environment::Environment;
pub use error::HostError;
pub use gateway::{Gateway, Service};
pub use instance::Instance;
pub use outbound::Pool;
pub use plugin::{InstanceOptions, Plugin};
pub use precompiled::Precompiled;

use environment::HasEnvironment;
use epoch::Epoch;
use instance::State;
use time::HasTime;

/// What all plugins of a host share.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether the room for instances is set aside beforehand, so that a new one is there in microseconds. Otherwise each is
    /// made room for when it comes, there may be any number, and [`Self::max_instances`] says nothing.
    pub pooled: bool,
    /// How many instances there may be at once. Each takes up address space, not memory: 4 GiB for each component, or
    /// [`Self::max_memory`] where that is more than the system has. With more than some 10,000, mind the system's limit of
    /// memory maps (`vm.max_map_count`): an instance has about six.
    pub max_instances: u32,
    /// Of how many components a file may be composed, each with a memory of its own. A plugin is one, a guarded one two, and
    /// a gateway three.
    pub max_components: u32,
    /// How many bytes of memory each component of an instance may use: a multiple of 64 KiB.
    pub max_memory: usize,
    /// How many bytes a connector may hand over at once, as an answer or in one call of the host.
    pub max_transfer: usize,
    /// How many requests of one instance may be under way at once, each until its answer has been read or dropped. One
    /// more is answered with `connection-limit-reached`, and not sent.
    pub max_requests: usize,
    /// How many bytes the headers of one request or answer may take up, with what it costs the host to keep them: more
    /// than they have on the wire. A connector that adds more to a request is stopped.
    pub max_headers: usize,
    /// How many bytes the body of one request may have. Of a longer one no more is sent; it ends in
    /// `HTTP-request-body-size`.
    pub max_request_body: usize,
    /// The limit for looking a name up, connecting, and the TLS handshake together.
    pub connect_timeout: Duration,
    /// Certificates in PEM form that are trusted besides those that browsers trust; none by default.
    pub extra_root_certificates: Vec<u8>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            pooled: true,
            max_instances: 256,
            max_components: 1,
            max_memory: 64 << 20,
            max_transfer: 16 << 20,
            max_requests: 16,
            max_headers: 128 << 10,
            max_request_body: 1 << 20,
            connect_timeout: Duration::from_secs(10),
            extra_root_certificates: Vec::new(),
        }
    }
}

/// How long the parts of [`Host::new`] took: what a program waits for at its start, before it loads anything.
#[derive(Clone, Copy, Debug)]
pub struct SetUp {
    /// Reading the certificates that are trusted.
    pub trusted_roots: Duration,
    /// The engine, and the room for its instances.
    pub engine: Duration,
    /// The linker: all that a component may import, tied to what this host gives it.
    pub linker: Duration,
}

/// Loads connectors.
pub struct Host {
    engine: Engine,
    linker: Linker<State>,
    tls: rustls::ClientConfig,
    options: Options,
    epoch: Arc<Epoch>,
    set_up: SetUp,
}

impl Host {
    /// Sets a host up.
    ///
    /// # Errors
    /// [`HostError::Options`]: a certificate does not parse, or the machine cannot set so much address space aside.
    pub fn new(options: Options) -> Result<Self, HostError> {
        let start = Instant::now();
        let tls = outbound::tls(&options.extra_root_certificates)?;
        let trusted_roots = start.elapsed();
        let engine = engine(&options).map_err(|error| HostError::Options(format!("{error:#}")))?;
        let with_engine = start.elapsed();
        let linker = linker(&engine).map_err(|error| HostError::Options(format!("{error:#}")))?;
        let with_linker = start.elapsed();
        let epoch = Epoch::of(engine.weak()).map_err(|error| HostError::Options(error.to_string()))?;
        let set_up = SetUp { trusted_roots, engine: with_engine - trusted_roots, linker: with_linker - with_engine };
        Ok(Self { engine, linker, tls, options, epoch: Arc::new(epoch), set_up })
    }

    /// How long it took to set this host up.
    #[must_use]
    pub fn set_up(&self) -> SetUp {
        self.set_up
    }

    /// Compiles a component: a fraction of a second.
    ///
    /// # Errors
    /// [`HostError::Unfit`]: it is no component, lacks the interface `connector`, or imports what this host does not give.
    pub fn load(&self, component: &[u8]) -> Result<Plugin, HostError> {
        let component =
            wasmtime::component::Component::new(&self.engine, component).map_err(|error| HostError::unfit(&error))?;
        self.plugin(component)
    }

    /// Loads a component that was compiled before: well under a millisecond.
    ///
    /// # Errors
    /// [`HostError::Unfit`]: it was compiled by another version of the host, with other [`Options`], with more or less address
    /// space, or for another kind of machine.
    pub fn load_precompiled(&self, code: &Precompiled) -> Result<Plugin, HostError> {
        self.plugin(code.load(&self.engine)?)
    }

    /// Loads a gateway: a component that answers HTTP requests, with all that it is composed of.
    ///
    /// # Errors
    /// [`HostError::Unfit`]: it is no component, lacks the interface `incoming-handler`, imports what this host does not
    /// give, or is composed of more components than [`Options::max_components`].
    pub fn load_gateway(&self, component: &[u8]) -> Result<Gateway, HostError> {
        let component =
            wasmtime::component::Component::new(&self.engine, component).map_err(|error| HostError::unfit(&error))?;
        Gateway::new(&component, self)
    }

    /// A pool of connections like that of a plugin, for requests of the host's own.
    #[must_use]
    pub fn pool(&self) -> Pool {
        Pool::new(&self.tls, self.options.connect_timeout)
    }

    fn plugin(&self, component: wasmtime::component::Component) -> Result<Plugin, HostError> {
        Plugin::new(component, self)
    }
}

/// A component is three core instances: the connector's own, and two that tie its imports up.
const CORE_INSTANCES: u32 = 4;

/// How much of a slot's memory stays in place when its instance goes, so that the next one need not fetch it page by page.
/// What was written to is wiped.
const KEPT_IN_PLACE: usize = 1 << 20;

/// All that a component can address. Where so much is set aside for each, its code need not compare an address with the
/// length of its memory: beyond that there is nothing.
const ADDRESSABLE: u64 = 1 << 32;

/// The best engine that the system allows. Where it cannot tell which pages were written to, a used slot is made good as a
/// whole; where it has too little address space, addresses are compared.
fn engine(options: &Options) -> wasmtime::Result<Engine> {
    let sparing = options.max_memory as u64;
    let reservation = if options.pooled { ADDRESSABLE } else { sparing };
    Engine::new(&config(options, reservation, true))
        .or_else(|_| Engine::new(&config(options, reservation, false)))
        .or_else(|_| Engine::new(&config(options, sparing, true)))
        .or_else(|_| Engine::new(&config(options, sparing, false)))
}

fn config(options: &Options, reservation: u64, written_pages_are_told: bool) -> Config {
    let mut pool = PoolingAllocationConfig::new();
    let (components, core_instances) = (options.max_components, options.max_components.saturating_mul(CORE_INSTANCES));
    // No file takes more of the pool than its share: one that would is not loaded.
    pool.total_component_instances(options.max_instances)
        .total_memories(options.max_instances.saturating_mul(components))
        .max_memories_per_component(components)
        .total_stacks(options.max_instances)
        .total_core_instances(options.max_instances.saturating_mul(core_instances))
        .max_core_instances_per_component(core_instances)
        .total_tables(options.max_instances.saturating_mul(core_instances))
        .max_tables_per_component(core_instances)
        .max_memory_size(options.max_memory);
    if written_pages_are_told {
        pool.pagemap_scan(Enabled::Yes).linear_memory_keep_resident(KEPT_IN_PLACE).table_keep_resident(KEPT_IN_PLACE);
    }
    let mut config = Config::new();
    if options.pooled {
        config.allocation_strategy(pool);
    }
    config.memory_reservation(reservation).epoch_interruption(true).concurrency_support(false);
    compilation::inline_small_calls(&mut config);
    config
}

/// All that a component may import. `wasi:clocks` and `wasi:io` are added one by one: the function that adds them together
/// brings random numbers and the standard streams as well.
fn linker(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    let to = &mut linker;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(to)?;
    clocks::wall_clock::add_to_linker::<State, HasTime>(to, State::time)?;
    clocks::monotonic_clock::add_to_linker::<State, HasTime>(to, State::time)?;
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
