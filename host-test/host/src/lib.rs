//! A wasmtime host for privacy connectors: it runs components of the world `privacy:connector/plugin`.
//!
//! A [`Host`] loads a component as a [`Plugin`]. A [`Connector`] is a plugin with the settings of one connection: it checks the
//! connection, and follows requests to their end. Below it, an [`Instance`] has the functions of the contract. Instances are
//! cheap (microseconds): one for each call is fine, and so is one for a whole request.
//!
//! A component can do what this host gives it: send HTTP requests to the origins of its [`EgressPolicy`], and read two clocks. It
//! has no files, no random numbers, no other sockets and no output; its environment is empty unless [`InstanceOptions`] says
//! otherwise. Its memory, time and results are limited.
//!
//! A [`Gateway`] is a connector composed with a component that serves HTTP. The same limits apply.
//!
//! **A `delete` call without a result is `outcome-unknown` for each of its requests**, whether it trapped, timed out
//! ([`HostError::outcome_unknown`]) or the host crashed. [`Connector::follow`] handles that. A program that calls
//! [`Instance::delete`] itself stores the time before each call, and passes it as `attempts` in the next one.
//!
//! **Response bodies may stay open between two calls.** A connector that reads a document in pieces keeps its connection open.
//! Nothing runs between calls. If the server closes the connection, the connector opens the document again. Dropping the instance
//! closes its connections.
//!
//! # Example
//!
//! ```
//! use privacy_host::contract::{Identifier, Request, Setting};
//! use privacy_host::{Connector, ConnectorOptions, Entry, Event, Host, Instance, Operation, Options};
//!
//! # use privacy_host::contract::{Content, Report};
//! # use qualtrics_simulator::{Brand, SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, SAMPLE_PERSON, Simulator};
//! # fn store(_: &Entry) {}
//! # async fn save(connector: &mut Instance, report: &Report) -> Result<(), Box<dyn std::error::Error>> {
//! #     for document in &report.documents {
//! #         if let Content::Remote(reference) = &document.content { connector.read(reference, 0, 1024).await??; }
//! #     }
//! #     assert_eq!(report.outcome.to_string(), "found");
//! #     Ok(())
//! # }
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let simulator = Simulator::start(Brand::sample(), qualtrics_simulator::Options::default()).await?;
//! # let component = qualtrics_component::CONNECTOR;
//! # let settings = [
//! #     ("datacenter-id", "fra1"), ("client-id", SAMPLE_CLIENT_ID), ("client-secret", SAMPLE_CLIENT_SECRET),
//! #     ("base-url", &simulator.origin()),
//! # ].map(|(key, value)| Setting::new(key, value)).to_vec();
//! # let options = ConnectorOptions {
//! #     extra_origins: vec![simulator.origin()], clock: simulator.clock(), ..ConnectorOptions::default()
//! # };
//! # let address = SAMPLE_PERSON;
//! let plugin = Host::new(Options::default())?.load(component)?;
//! let connector = Connector::new(plugin, settings, options).await?;
//!
//! let request = Request::new("dsr-1", [Identifier::email(address)]);
//! let mut follower = connector.follow(Operation::Access, [request]);
//! while let Some(update) = follower.next().await? {
//!     // After a crash, `connector.resume` continues from the stored entries.
//!     store(update.entry);
//!     if let Event::Reported(report) = update.event {
//!         save(follower.instance().await?, &report).await?;
//!         follower.confirm();
//!     }
//! }
//! # Ok(())
//! # }
//! ```

mod clocks;
mod code_cache;
mod compiler;
mod connector;
pub mod egress;
mod engine;
mod environment;
mod epoch;
mod error;
mod exports;
pub mod follow;
mod gateway;
mod host;
mod imports;
mod instance;
mod options;
mod outbound;
mod plugin;
mod precompiled;
pub mod rate_budget;
mod runtime;
mod serve;
mod state;

#[cfg(test)]
mod compatibility;
#[cfg(test)]
mod tests;

pub use privacy_contract as contract;
pub use simulated_clock::Clock;

pub use connector::{Connector, ConnectorError, ConnectorOptions};
pub use egress::EgressPolicy;
pub use environment::Environment;
pub use error::HostError;
pub use follow::{Entry, Event, Follower, Operation, Update};
pub use gateway::{Gateway, Service};
pub use host::{Host, SetUp};
pub use instance::{Instance, Results};
pub use options::{InstanceOptions, Options};
pub use outbound::{ClientCertificate, ClientCertificateError, Pool, Proxy, ProxyUrlError};
pub use plugin::Plugin;
pub use precompiled::Precompiled;
pub use rate_budget::RateBudget;
