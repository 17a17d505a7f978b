//! Values that are redacted in output and overwritten in memory.

use std::fmt;

use zeroize::Zeroize;

/// A string that must never reach a log, an error or a panic: a client secret, an access token, an identifier.
///
/// It has no `Display`, and its `Debug` shows no part of the value. [`reveal`](Self::reveal) is the only access to the value, so
/// that a reviewer can search for it. The memory is overwritten on drop.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn debug_output_shows_no_part_of_a_secret() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "Secret(..)");
    }
}
