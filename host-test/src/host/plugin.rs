use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::Component;

use super::budget::Budget;
use super::calls::CallsPre;
use super::egress::EgressPolicy;
use super::environment::Environment;
use super::epoch::Epoch;
use super::error::HostError;
use super::instance::{Instance, State};
use super::outbound::Outbound;
use super::precompiled::Precompiled;
use super::{Host, Options};
use crate::clock::Clock;

/// A connector that is loaded, ready to be instantiated. Clones are the same plugin.
#[derive(Clone)]
pub struct Plugin(Arc<Loaded>);

struct Loaded {
    component: Component,
    pre: CallsPre,
    imports: Vec<String>,
    outbound: Arc<Outbound>,
    options: Options,
    epoch: Arc<Epoch>,
}

/// What one instance may do.
#[derive(Clone, Debug)]
pub struct InstanceOptions {
    /// Where it may send requests; nowhere by default.
    pub egress: EgressPolicy,
    /// The vendor's limits, where the host keeps them for all instances of a connection; none by default, and then each
    /// connector keeps to a share of its own.
    pub budget: Option<Budget>,
    /// The variables that it sees if it asks for them, as a guard or a gateway does, and a connector does not; none by default.
    pub environment: Environment,
    /// Its time; by default the machine's own. With a made clock, a guest that does nothing but wait moves the clock itself.
    pub clock: Clock,
    /// How long a call may take, of the machine's own time. The contract says about 60 seconds; by default it is 75.
    pub call_timeout: Duration,
}

impl Default for InstanceOptions {
    fn default() -> Self {
        Self {
            egress: EgressPolicy::deny_all(),
            budget: None,
            environment: Environment::default(),
            clock: Clock::system(),
            call_timeout: Duration::from_secs(75),
        }
    }
}

impl Plugin {
    pub(super) fn new(component: Component, host: &Host) -> Result<Self, HostError> {
        let pre = host
            .linker
            .instantiate_pre(&component)
            .and_then(|pre| CallsPre::new(&component, pre))
            .map_err(|error| HostError::unfit(&error))?;
        let mut imports: Vec<_> =
            component.component_type().imports(component.engine()).map(|(name, _)| name.to_owned()).collect();
        imports.sort_unstable();
        let options = host.options.clone();
        let outbound = Arc::new(Outbound::new(&host.tls, options.connect_timeout));
        Ok(Self(Arc::new(Loaded { component, pre, imports, outbound, options, epoch: host.epoch.clone() })))
    }

    /// The interfaces that the component imports, as `wasi:http/types@0.2.0`, in the order of their names. There are no
    /// others: this is all that it can reach.
    #[must_use]
    pub fn imports(&self) -> &[String] {
        &self.0.imports
    }

    /// The machine code, for [`Host::load_precompiled`](super::Host::load_precompiled).
    ///
    /// # Errors
    /// [`HostError::Unfit`]: there is not enough memory for it.
    pub fn precompile(&self) -> Result<Precompiled, HostError> {
        Precompiled::of(&self.0.component).map_err(|error| HostError::unfit(&error))
    }

    /// Makes an instance. It knows nothing until it is configured.
    ///
    /// To be called within a tokio runtime, like all calls of the instance.
    ///
    /// # Errors
    /// [`HostError::Exhausted`]: there are too many at the moment. [`HostError::Trap`] and [`HostError::TimedOut`]: the
    /// component is defective.
    pub async fn instantiate(&self, options: InstanceOptions) -> Result<Instance, HostError> {
        let limit = options.call_timeout;
        let Loaded { pre, outbound, options: of_host, epoch, .. } = &*self.0;
        let mut store = State::store(pre.engine(), options, of_host, outbound.clone());
        match tokio::time::timeout(limit, epoch.drive(pre.instantiate(&mut store))).await {
            Ok(Ok(calls)) => Ok(Instance::new(calls, store, epoch.clone(), limit)),
            Ok(Err(error)) => Err(HostError::of_call(&error)),
            Err(_) => Err(HostError::TimedOut),
        }
    }
}
