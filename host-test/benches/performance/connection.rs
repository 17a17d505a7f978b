//! Connections to simulated brands.

use serde::{Deserialize, Serialize};

/// The settings of a connection to a brand.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Connection {
    pub origin: String,
    pub client_id: String,
    pub client_secret: String,
}
