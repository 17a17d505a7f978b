//! Dialects: the points of the API that are not confirmed, each with its possible variants.

mod axes;
mod define;

use std::fmt;

pub use axes::*;

/// One possible variant of an unconfirmed point of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// The unconfirmed point: the name of a field of [`Dialects`]. A brand has one dialect of each axis.
    pub axis: &'static str,
    /// The name that [`Dialects::parse`] accepts. It is unique among all axes.
    pub name: &'static str,
    /// What Qualtrics does in this dialect.
    pub sentence: &'static str,
    /// Whether this is the default of its axis.
    pub default: bool,
}

/// Why a list of dialects is invalid. It contains the name as it was passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DialectError {
    /// There is no dialect with this name.
    Unknown(String),
    /// The list contains another dialect of the same axis.
    Contradiction(String),
}

impl fmt::Display for DialectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name) => write!(f, "there is no dialect {name:?}"),
            Self::Contradiction(name) => write!(f, "dialect {name:?} contradicts another dialect of the list"),
        }
    }
}

impl std::error::Error for DialectError {}

impl Dialects {
    /// Parses names that are separated by commas and spaces. The other axes have their default.
    ///
    /// # Errors
    /// A name is unknown, or two names belong to the same axis.
    pub fn parse(names: &str) -> Result<Self, DialectError> {
        let mut dialects = Self::default();
        let mut axes = Vec::new();
        for name in names.split([',', ' ']).filter(|name| !name.is_empty()) {
            let axis = dialects.select(name).ok_or_else(|| DialectError::Unknown(name.to_owned()))?;
            if axes.contains(&axis) {
                return Err(DialectError::Contradiction(name.to_owned()));
            }
            axes.push(axis);
        }
        Ok(dialects)
    }
}

impl fmt::Display for Dialects {
    /// Writes the names that differ from the default. [`Dialects::parse`] makes the same value of them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let defaults = Self::default().names();
        let others: Vec<_> = self.names().into_iter().filter(|name| !defaults.contains(name)).collect();
        f.write_str(&others.join(","))
    }
}
