//! The environment variables that a component can read.

use std::collections::BTreeMap;
use std::fmt;

use wasmtime::component::HasData;
use wasmtime_wasi::p2::bindings::cli::environment;
use zeroize::Zeroize;

/// Environment variables for a component. Those of this process are not among them.
///
/// Values may be secrets: `Debug` prints names only, and values are overwritten when they are dropped.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The value of a variable.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

impl Drop for Environment {
    fn drop(&mut self) {
        self.0.values_mut().for_each(Zeroize::zeroize);
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(variables: T) -> Self {
        Self(variables.into_iter().collect())
    }
}

impl Extend<(String, String)> for Environment {
    fn extend<T: IntoIterator<Item = (String, String)>>(&mut self, variables: T) {
        self.0.extend(variables);
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

/// Gets the [`Environment`] from a store's data.
pub(crate) struct HasEnvironment;

impl HasData for HasEnvironment {
    type Data<'a> = &'a mut Environment;
}

impl environment::Host for Environment {
    fn get_environment(&mut self) -> wasmtime::Result<Vec<(String, String)>> {
        Ok(self.0.clone().into_iter().collect())
    }

    fn get_arguments(&mut self) -> wasmtime::Result<Vec<String>> {
        Ok(Vec::new())
    }

    fn initial_cwd(&mut self) -> wasmtime::Result<Option<String>> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::environment::Host;
    use super::*;

    #[test]
    fn a_component_sees_only_the_variables_it_was_given() {
        assert!(std::env::vars().next().is_some(), "this process has variables");
        assert_eq!(Environment::default().get_environment().unwrap(), []);
        let put = [("GATEWAY_TOKEN_SHA256".to_owned(), "a sum".to_owned())];
        let mut environment: Environment = put.clone().into_iter().collect();
        assert_eq!(environment.get_environment().unwrap(), put);
        assert_eq!(environment.get_arguments().unwrap(), Vec::<String>::new());
    }
}
