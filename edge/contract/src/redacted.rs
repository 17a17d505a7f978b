//! Redacted `Debug` for the types that contain identifiers, setting values or documents. Setting values are also overwritten in memory.

use std::fmt::{Debug, Formatter, Result};

use zeroize::Zeroize;

use crate::{Chunk, Connection, Content, Identifier, Setting};

impl Debug for Identifier {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
        let kind = match self {
            Self::Email(_) => "Email",
            Self::Phone(_) => "Phone",
            Self::ExternalId(_) => "ExternalId",
            Self::Other(_) => "Other",
        };
        write!(formatter, "{kind}(..)")
    }
}

impl Debug for Connection {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
        // The account may be an e-mail address.
        formatter
            .debug_struct("Connection")
            .field("tenant", &self.tenant)
            .field("region", &self.region)
            .field("role", &self.role)
            .field("granted", &self.granted)
            .field("egress", &self.egress)
            .field("warnings", &self.warnings)
            .finish_non_exhaustive()
    }
}

impl Debug for Setting {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
        formatter.debug_struct("Setting").field("key", &self.key).finish_non_exhaustive()
    }
}

impl Debug for Content {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
        match self {
            Self::Inline(bytes) => write!(formatter, "Inline({} bytes)", bytes.len()),
            Self::Remote(reference) => formatter.debug_tuple("Remote").field(reference).finish(),
        }
    }
}

impl Debug for Chunk {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
        let Self { bytes, last } = self;
        write!(formatter, "Chunk {{ bytes: {} bytes, last: {last} }}", bytes.len())
    }
}

impl Drop for Setting {
    fn drop(&mut self) {
        self.value.zeroize();
    }
}
