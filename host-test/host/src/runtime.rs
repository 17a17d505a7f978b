//! What plugins and gateways of one host share.

use std::sync::Arc;

use wasmtime::Engine;
use wasmtime::component::{Component, InstancePre, Linker};

use crate::code_cache::CodeCache;
use crate::epoch::Epoch;
use crate::error::HostError;
use crate::options::{InstanceOptions, Options};
use crate::outbound::{Network, Outbound};
use crate::state::State;

/// What plugins and gateways of one host share.
#[derive(Clone)]
pub(crate) struct Runtime {
    pub(crate) engine: Engine,
    pub(crate) linker: Linker<State>,
    pub(crate) network: Network,
    pub(crate) options: Options,
    pub(crate) epoch: Arc<Epoch>,
}

/// A component with its imports resolved, and the connections of its instances.
pub(crate) struct Loaded {
    pub(crate) component: Component,
    pub(crate) imports: Vec<String>,
    pub(crate) outbound: Arc<Outbound>,
    pub(crate) options: Options,
    pub(crate) epoch: Arc<Epoch>,
}

impl Runtime {
    /// Compiles a component, unless its machine code is in the cache.
    ///
    /// # Errors
    /// [`HostError::Unfit`].
    pub(crate) fn compile(&self, component: &[u8]) -> Result<Component, HostError> {
        let compile = || Component::new(&self.engine, component).map_err(|error| HostError::unfit(&error));
        let Some(directory) = &self.options.code_cache else { return compile() };
        let cache = CodeCache::new(directory);
        if let Some(compiled) = cache.get(&self.engine, component) {
            return Ok(compiled);
        }
        let compiled = compile()?;
        cache.put(&self.engine, component, &compiled);
        Ok(compiled)
    }

    /// Resolves the imports of a component.
    ///
    /// # Errors
    /// [`HostError::Unfit`]: it imports something else.
    pub(crate) fn load(&self, component: Component) -> Result<(Loaded, InstancePre<State>), HostError> {
        let pre = self.linker.instantiate_pre(&component).map_err(|error| HostError::unfit(&error))?;
        let imports = component.component_type();
        let mut imports: Vec<_> = imports.imports(&self.engine).map(|(name, _)| name.to_owned()).collect();
        imports.sort_unstable();
        let options = self.options.clone();
        let outbound = Arc::new(Outbound::new(&self.network));
        Ok((Loaded { component, imports, outbound, options, epoch: self.epoch.clone() }, pre))
    }
}

impl Loaded {
    /// The store of a new instance.
    pub(crate) fn store(&self, options: InstanceOptions) -> wasmtime::Store<State> {
        State::store(self.component.engine(), options, &self.options, self.outbound.clone())
    }
}
