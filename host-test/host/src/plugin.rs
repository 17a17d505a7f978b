//! A loaded connector.

use std::sync::Arc;

use wasmtime::component::Component;

use crate::contract::Manifest;
use crate::error::HostError;
use crate::exports::ExportsPre;
use crate::instance::Instance;
use crate::options::InstanceOptions;
use crate::precompiled::Precompiled;
use crate::runtime::{Loaded, Runtime};

/// A loaded connector, ready to be instantiated. Clones share the same code and connections.
#[derive(Clone)]
pub struct Plugin(Arc<LoadedPlugin>);

struct LoadedPlugin {
    loaded: Loaded,
    pre: ExportsPre,
}

impl Plugin {
    pub(crate) fn new(component: Component, runtime: &Runtime) -> Result<Self, HostError> {
        let (loaded, pre) = runtime.load(component)?;
        let pre = ExportsPre::new(&loaded.component, pre).map_err(|error| HostError::unfit(&error))?;
        Ok(Self(Arc::new(LoadedPlugin { loaded, pre })))
    }

    /// The interfaces that the component imports, such as `wasi:http/types@0.2.0`, sorted by name. It can reach nothing else.
    #[must_use]
    pub fn imports(&self) -> &[String] {
        &self.0.loaded.imports
    }

    /// What the connector says about itself. Needs no settings and no network.
    ///
    /// # Errors
    /// As for [`Self::instantiate`].
    pub async fn manifest(&self) -> Result<Manifest, HostError> {
        self.instantiate(InstanceOptions::default()).await?.describe().await
    }

    /// The machine code, for [`Host::load_precompiled`](crate::Host::load_precompiled).
    ///
    /// # Errors
    /// [`HostError::Unfit`]: there is not enough memory for it.
    pub fn precompile(&self) -> Result<Precompiled, HostError> {
        Precompiled::of(&self.0.loaded.component).map_err(|error| HostError::unfit(&error))
    }

    /// Creates an instance, which is not configured yet.
    ///
    /// Call it within a Tokio runtime, like all calls of the instance.
    ///
    /// # Errors
    /// [`HostError::Exhausted`]: there are too many at the moment. [`HostError::Trap`] and [`HostError::TimedOut`]: the
    /// component is defective.
    pub async fn instantiate(&self, options: InstanceOptions) -> Result<Instance, HostError> {
        let limit = options.call_timeout;
        let LoadedPlugin { loaded, pre } = &*self.0;
        let mut store = loaded.store(options);
        match tokio::time::timeout(limit, loaded.epoch.drive(pre.instantiate(&mut store))).await {
            Ok(Ok(exports)) => Ok(Instance::new(exports, store, loaded.epoch.clone(), limit)),
            Ok(Err(error)) => Err(HostError::of_call(&error)),
            Err(_) => Err(HostError::TimedOut),
        }
    }
}
