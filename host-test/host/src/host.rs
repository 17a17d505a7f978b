//! Loads components.

use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::{Config, Engine};

use crate::engine::{self, ADDRESS_SPACE, DirtyPages};
use crate::epoch::Epoch;
use crate::error::HostError;
use crate::gateway::Gateway;
use crate::imports;
use crate::options::Options;
use crate::outbound::{Network, Pool};
use crate::plugin::Plugin;
use crate::precompiled::Precompiled;
use crate::runtime::Runtime;

/// How long the parts of [`Host::new`] took.
#[derive(Clone, Copy, Debug)]
pub struct SetUp {
    /// Parsing the trusted root certificates.
    pub trusted_roots: Duration,
    /// Creating the engine, and reserving memory for its instances.
    pub engine: Duration,
    /// Linking the interfaces that components may import.
    pub linker: Duration,
}

/// Loads components.
pub struct Host {
    runtime: Runtime,
    set_up: SetUp,
}

impl Host {
    /// A host with an engine of its own.
    ///
    /// # Errors
    /// [`HostError::Options`]: a certificate does not parse, or the system cannot reserve enough address space.
    pub fn new(options: Options) -> Result<Self, HostError> {
        Self::on(|options| engine::engine(options).map_err(|error| HostError::Options(format!("{error:#}"))), options)
    }

    /// A host on an engine that the program also uses for other things. [`Host::engine_config`] is a starting point for its
    /// configuration.
    ///
    /// The engine's allocation strategy applies: [`Options::pooled`], [`Options::max_instances`] and
    /// [`Options::max_components`] have no effect. While a guest runs, the host increments the engine's epoch every 10 ms; other
    /// stores of the engine with an epoch deadline see that.
    ///
    /// # Errors
    /// [`HostError::Options`]: a certificate does not parse, or the engine does not interrupt compiled code
    /// (`Config::epoch_interruption`), or limits fuel (`Config::consume_fuel`): the host limits time, and supplies no fuel.
    pub fn with_engine(engine: &Engine, options: Options) -> Result<Self, HostError> {
        engine::check_interruption(engine)?;
        Self::on(|_| Ok(engine.clone()), options)
    }

    /// The configuration that [`Host::new`] uses where the system supports all of it.
    #[must_use]
    pub fn engine_config(options: &Options) -> Config {
        let reservation = if options.pooled { ADDRESS_SPACE } else { options.max_memory as u64 };
        engine::config(options, reservation, DirtyPages::Tracked)
    }

    fn on(engine: impl FnOnce(&Options) -> Result<Engine, HostError>, options: Options) -> Result<Self, HostError> {
        let start = Instant::now();
        let network = Network::new(&options)?;
        let trusted_roots = start.elapsed();
        let engine = engine(&options)?;
        let with_engine = start.elapsed();
        let linker = imports::linker(&engine).map_err(|error| HostError::Options(format!("{error:#}")))?;
        let with_linker = start.elapsed();
        let epoch = Epoch::of(engine.weak()).map_err(|error| HostError::Options(error.to_string()))?;
        let set_up = SetUp { trusted_roots, engine: with_engine - trusted_roots, linker: with_linker - with_engine };
        Ok(Self { runtime: Runtime { engine, linker, network, options, epoch: Arc::new(epoch) }, set_up })
    }

    /// How long it took to set this host up.
    #[must_use]
    pub fn set_up(&self) -> SetUp {
        self.set_up
    }

    /// The engine, for other components of the program.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.runtime.engine
    }

    /// Compiles a connector: takes a fraction of a second. With [`Options::code_cache`], machine code that is stored there is used.
    ///
    /// # Errors
    /// [`HostError::Unfit`]: it is not a component, does not export the interface `connector`, or imports something that this
    /// host does not provide.
    pub fn load(&self, component: &[u8]) -> Result<Plugin, HostError> {
        Plugin::new(self.runtime.compile(component)?, &self.runtime)
    }

    /// Loads a connector that was compiled before: takes well under a millisecond.
    ///
    /// # Errors
    /// [`HostError::Unfit`]: it was compiled by another version of the host, with other [`Options`], with more or less address
    /// space, or for another kind of machine.
    pub fn load_precompiled(&self, code: &Precompiled) -> Result<Plugin, HostError> {
        Plugin::new(code.load(&self.runtime.engine)?, &self.runtime)
    }

    /// Compiles a gateway: a component that serves HTTP requests. With [`Options::code_cache`], machine code that is stored there is
    /// used.
    ///
    /// # Errors
    /// [`HostError::Unfit`]: it is not a component, does not export the interface `incoming-handler`, imports something that this
    /// host does not provide, or is composed of more components than [`Options::max_components`].
    pub fn load_gateway(&self, component: &[u8]) -> Result<Gateway, HostError> {
        Gateway::new(self.runtime.compile(component)?, &self.runtime)
    }

    /// A connection pool like that of a plugin, for the program's own requests.
    #[must_use]
    pub fn pool(&self) -> Pool {
        Pool::new(&self.runtime.network)
    }
}
