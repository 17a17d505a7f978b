//! The limits of a host, and what one instance may do.

use std::path::PathBuf;
use std::time::Duration;

use simulated_clock::Clock;

use crate::egress::EgressPolicy;
use crate::environment::Environment;
use crate::outbound::{ClientCertificate, Proxy};
use crate::rate_budget::RateBudget;

/// The limits that apply to every component of a host.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether memory for instances is reserved in advance, so that a new instance takes microseconds. Without it, each instance
    /// allocates its own memory, and [`Self::max_instances`] has no effect.
    pub pooled: bool,
    /// The number of instances that may exist at once. Each reserves address space, not memory: 4 GiB for each component, or
    /// [`Self::max_memory`] where the system cannot reserve that much. An instance has about six memory maps: above some 10,000
    /// instances, raise the system's limit (`vm.max_map_count`).
    pub max_instances: u32,
    /// The number of components that one file may be composed of, each with a memory of its own. A connector is one, a guarded
    /// connector two, a gateway three.
    pub max_components: u32,
    /// The bytes of memory that each component of an instance may use: a multiple of 64 KiB.
    pub max_memory: usize,
    /// The bytes that a component may pass to the host at once, as a result or in one host call.
    pub max_transfer: usize,
    /// The requests of one instance that may be in progress at once, each until its response was read or dropped. A further
    /// request is not sent, and fails with `connection-limit-reached`.
    pub max_requests: usize,
    /// The bytes that the headers of one request or response may occupy in the host, which is more than on the wire. A component
    /// that adds more to a request traps.
    pub max_headers: usize,
    /// The bytes that the body of one request may have. A longer body is cut off, and the request fails with
    /// `HTTP-request-body-size`.
    pub max_request_body: usize,
    /// The limit for name resolution, connecting and the TLS handshake together. A tunnel through [`Self::proxy`] has the same limit
    /// beforehand.
    pub connect_timeout: Duration,
    /// Root certificates in PEM format to trust in addition to Mozilla's, such as that of a proxy that inspects TLS; none by default.
    pub extra_root_certificates: Vec<u8>,
    /// A directory for the machine code of components, which makes [`Host::load`](crate::Host::load) take well under a
    /// millisecond after the first time; none by default. It is created if it does not exist. Files older than 30 days are removed.
    ///
    /// Machine code runs outside the sandbox. The directory is not used if another user could change it, and never on systems
    /// other than Unix. Let no other program write to it.
    pub code_cache: Option<PathBuf>,
    /// The certificate to present to the permitted origins that ask for one; none by default. Connections with different
    /// certificates need a [`Host`](crate::Host) each, so that none reuses a connection of another. Hosts can share an engine:
    /// [`Host::with_engine`](crate::Host::with_engine).
    pub client_certificate: Option<ClientCertificate>,
    /// The proxy to connect through; none by default, also if the environment names one: see [`Proxy::from_environment`].
    pub proxy: Option<Proxy>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            pooled: true,
            max_instances: 256,
            max_components: 1,
            max_memory: 64 << 20,
            max_transfer: 16 << 20,
            max_requests: 16,
            max_headers: 128 << 10,
            max_request_body: 1 << 20,
            connect_timeout: Duration::from_secs(10),
            extra_root_certificates: Vec::new(),
            code_cache: None,
            client_certificate: None,
            proxy: None,
        }
    }
}

/// What one instance may do.
#[derive(Clone, Debug)]
pub struct InstanceOptions {
    /// The origins that it may send requests to; none by default.
    pub egress: EgressPolicy,
    /// The vendor's rate limits, if the host keeps them for all instances of a connection. By default each connector keeps to
    /// its own share.
    pub budget: Option<RateBudget>,
    /// The environment variables that it can read, for an egress guard or a gateway; none by default. A connector does not
    /// import them.
    pub environment: Environment,
    /// Its clock; by default the system's. With a simulated clock, a guest that only waits moves the clock itself.
    pub clock: Clock,
    /// How long a call may take in real time. The contract asks for about 60 seconds; the default is 75.
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
