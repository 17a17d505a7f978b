//! The functions of the contract that a component exports. They take and return the contract's types: nothing is converted.

use std::sync::Arc;

use wasmtime::Store;
use wasmtime::component::{Component, ComponentExportIndex, ComponentNamedList, Instance, InstancePre, Lift, Lower};

use crate::error::HostError;
use crate::state::State;

/// The interface that a connector exports. wasmtime accepts every version of the same 0.N.
const INTERFACE: &str = "privacy:connector/connector@0.2.0";

/// A component with its imports resolved, and the indices of its functions.
pub(crate) struct ExportsPre {
    pre: InstancePre<State>,
    functions: Arc<Functions>,
}

/// The indices of a component's functions.
pub(crate) struct Functions {
    pub(crate) describe: ComponentExportIndex,
    pub(crate) configure: ComponentExportIndex,
    pub(crate) check: ComponentExportIndex,
    pub(crate) access: ComponentExportIndex,
    pub(crate) delete: ComponentExportIndex,
    pub(crate) opt_out: ComponentExportIndex,
    pub(crate) poll: ComponentExportIndex,
    pub(crate) read: ComponentExportIndex,
}

/// The functions of one instance.
pub(crate) struct Exports {
    instance: Instance,
    pub(crate) functions: Arc<Functions>,
}

impl ExportsPre {
    /// # Errors
    /// The component does not export the interface, or not all of its functions.
    pub(crate) fn new(component: &Component, pre: InstancePre<State>) -> wasmtime::Result<Self> {
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

    pub(crate) async fn instantiate(&self, store: &mut Store<State>) -> wasmtime::Result<Exports> {
        Ok(Exports { instance: self.pre.instantiate_async(store).await?, functions: self.functions.clone() })
    }
}

impl Exports {
    /// Exports a function, whose type is compared with this one first.
    ///
    /// # Errors
    /// [`HostError::Unfit`]: the function has another type. [`HostError::Trap`]: the guest trapped.
    pub(crate) async fn call<P, R>(
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
