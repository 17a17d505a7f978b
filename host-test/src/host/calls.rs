//! The functions of the contract, as a component exports them. Their types are those of the contract: nothing is converted.

use std::sync::Arc;

use wasmtime::component::{Component, ComponentExportIndex, ComponentNamedList, Instance, InstancePre, Lift, Lower};
use wasmtime::{Engine, Store};

use super::error::HostError;
use super::instance::State;

/// The interface that a connector exports. wasmtime accepts an export of any version of the same 0.N.
const INTERFACE: &str = "privacy:connector/connector@0.2.0";

/// A component with its imports resolved, and where it exports the functions.
pub(super) struct CallsPre {
    pre: InstancePre<State>,
    functions: Arc<Functions>,
}

/// Where a component exports the functions of the contract.
pub(super) struct Functions {
    pub(super) describe: ComponentExportIndex,
    pub(super) configure: ComponentExportIndex,
    pub(super) check: ComponentExportIndex,
    pub(super) access: ComponentExportIndex,
    pub(super) delete: ComponentExportIndex,
    pub(super) opt_out: ComponentExportIndex,
    pub(super) poll: ComponentExportIndex,
    pub(super) read: ComponentExportIndex,
}

/// The functions of one instance.
pub(super) struct Calls {
    instance: Instance,
    pub(super) functions: Arc<Functions>,
}

impl CallsPre {
    /// # Errors
    /// The component does not export the interface, or not all of its functions.
    pub(super) fn new(component: &Component, pre: InstancePre<State>) -> wasmtime::Result<Self> {
        let missing = |what: &str| wasmtime::Error::msg(format!("the component does not export {what}"));
        let interface = component.get_export_index(None, INTERFACE).ok_or_else(|| missing(INTERFACE))?;
        let function = |name: &str| {
            let index = component.get_export_index(Some(&interface), name);
            index.ok_or_else(|| missing(&format!("{INTERFACE}#{name}")))
        };
        let functions = Functions {
            describe: function("describe")?,
            configure: function("configure")?,
            check: function("check")?,
            access: function("access")?,
            delete: function("delete")?,
            opt_out: function("opt-out")?,
            poll: function("poll")?,
            read: function("read")?,
        };
        Ok(Self { pre, functions: Arc::new(functions) })
    }

    pub(super) fn engine(&self) -> &Engine {
        self.pre.engine()
    }

    pub(super) async fn instantiate(&self, store: &mut Store<State>) -> wasmtime::Result<Calls> {
        Ok(Calls { instance: self.pre.instantiate_async(store).await?, functions: self.functions.clone() })
    }
}

impl Calls {
    /// Calls a function, whose type is compared with this one first.
    ///
    /// # Errors
    /// [`HostError::Unfit`]: the function is of another type. The guest trapped.
    pub(super) async fn call<P, R>(
        &self,
        store: &mut Store<State>,
        function: ComponentExportIndex,
        parameters: P,
    ) -> Result<R, HostError>
    where
        P: ComponentNamedList + Lower + Send + Sync,
        R: ComponentNamedList + Lift + Send + Sync + 'static,
    {
        let function =
            self.instance.get_typed_func::<P, R>(&mut *store, function).map_err(|error| HostError::unfit(&error))?;
        function.call_async(store, parameters).await.map_err(|error| HostError::of_call(&error))
    }
}
