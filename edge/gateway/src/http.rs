//! Requests, as far as the gateway needs them.

/// A request without its body.
pub struct Head {
    /// The method, as it was sent.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Names in lower case, and values.
    pub headers: Vec<(String, Vec<u8>)>,
}

impl Head {
    /// A request as a runtime passes it on, with names in any case.
    #[must_use]
    pub fn new(method: String, target: String, headers: Vec<(String, Vec<u8>)>) -> Self {
        let lower = |(mut name, value): (String, Vec<u8>)| {
            name.make_ascii_lowercase();
            (name, value)
        };
        Self { method, target, headers: headers.into_iter().map(lower).collect() }
    }

    /// The value of a header. `None` if it is absent, repeated or not UTF-8.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.values(name);
        let value = values.next()?;
        if values.next().is_some() { None } else { str::from_utf8(value).ok() }
    }

    /// Whether a header is present.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.values(name).next().is_some()
    }

    fn values<'h>(&'h self, name: &str) -> impl Iterator<Item = &'h [u8]> {
        self.headers.iter().filter(move |(other, _)| other == name).map(|(_, value)| value.as_slice())
    }
}

/// The body of a request, received by blocking.
pub trait Body {
    /// The next bytes. They are empty only at the end.
    ///
    /// # Errors
    /// The rest of the body cannot be received.
    fn read(&mut self) -> Result<Vec<u8>, Interrupted>;
}

/// The transfer of a body failed or timed out.
#[derive(Debug)]
pub struct Interrupted;

/// Milliseconds as the value of `Retry-After`: whole seconds, rounded up so that no caller returns too early.
#[must_use]
pub const fn retry_after(ms: u64) -> u64 {
    ms.div_ceil(1000)
}

#[cfg(test)]
mod tests {
    use super::retry_after;

    #[test]
    fn retry_after_is_rounded_up_to_whole_seconds() {
        assert_eq!([0, 1, 999, 1000, 1001, u64::MAX].map(retry_after), [0, 1, 1, 1, 2, 18_446_744_073_709_552]);
    }
}
