//! The results of a run, as written to `target/performance/results.json`.

use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::{Deserialize, Serialize};

/// One run on one machine. A part that was not measured is empty.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Results {
    pub machine: Machine,
    /// The start of the run, in UTC.
    pub date: String,
    /// The commit, followed by `+` if the working tree had changes.
    pub commit: String,
    /// The load average before the run. It should be near zero.
    pub load_before: f64,
    /// Whether the run was shortened, so that its figures are rough.
    pub quick: bool,
    /// The size of the component, in bytes.
    pub component_bytes: u64,
    pub steps: Vec<Timing>,
    pub footprints: Vec<Footprint>,
    pub served: Vec<Served>,
    pub streamed: Vec<Streamed>,
    pub concurrent: Vec<Concurrent>,
    pub growth: Vec<Growth>,
}

/// The machine of a run.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    pub processor: String,
    /// The cores that the benchmarks could use.
    pub cores: u64,
    pub memory_mib: u64,
    pub system: String,
}

/// A step of loading and instantiating.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Timing {
    pub step: String,
    /// The median, in microseconds.
    pub p50_us: f64,
    /// The 99th percentile, in microseconds.
    pub p99_us: f64,
    /// The number of measurements.
    pub times: u64,
}

/// The memory of live, configured instances.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Footprint {
    pub instances: u64,
    /// Resident bytes for each instance. A page that instances share counts once (`Pss`).
    pub bytes_each: u64,
    /// Resident bytes for each instance. A shared page counts for every instance (`VmRSS`).
    pub mapped_bytes_each: u64,
}

/// The kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flow {
    /// Access, with every document read.
    Access,
    Preview,
    Erase,
    EraseAndVerify,
}

/// Whether requests share a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reuse {
    /// Each request has an instance of its own, which signs in.
    Fresh,
    /// One configured instance serves one request after the other, and keeps its access token.
    Kept,
}

/// Whole requests, one after the other.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Served {
    pub flow: Flow,
    pub reuse: Reuse,
    /// The client: `component`, `native`, `python-client`, `python-host`, `node-host`.
    pub client: String,
    /// The number of requests.
    pub times: u64,
    pub per_second: f64,
    /// The median, in milliseconds.
    pub p50_ms: f64,
    /// The 99th percentile, in milliseconds.
    pub p99_ms: f64,
    /// Processor time of the client's process for each request, in milliseconds.
    pub cpu_ms: f64,
    /// Calls to Qualtrics for each request.
    pub calls: u64,
}

/// A document that was read from start to end.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Streamed {
    /// The client, as for [`Served`], or `download`.
    pub client: String,
    /// The length of the document.
    pub mib: f64,
    pub mb_per_second: f64,
    /// Processor time of the client's process for each GiB, in seconds.
    pub cpu_s_per_gib: f64,
    /// The largest linear memory of the component, in bytes.
    pub linear_bytes: Option<u64>,
    /// The largest resident memory of the process, in bytes.
    pub resident_bytes: Option<u64>,
}

/// Concurrent access requests.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Concurrent {
    /// The client, as for [`Served`].
    pub client: String,
    /// The number of requests in progress at once.
    pub at_once: u64,
    /// The delay before each response of Qualtrics, in milliseconds.
    pub latency_ms: u64,
    pub per_second: f64,
    /// Processor time of the client's process for each request, in milliseconds.
    pub cpu_ms: f64,
    /// The largest resident memory for each request in progress, in KiB, beyond the process's own.
    pub kib_each: f64,
}

/// The kind of work that grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Work {
    /// Contacts of the data subject of an access request.
    Contacts,
    /// Directories that an access request searches.
    Directories,
    /// Erasure jobs of one `poll`.
    PendingJobs,
}

/// The cost of an amount of work.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Growth {
    pub work: Work,
    pub amount: u64,
    /// Calls to Qualtrics. The component and the native core make the same number.
    pub calls: u64,
    /// Time of the component, in milliseconds.
    pub ms: f64,
    /// Processor time of the component and its host, in milliseconds.
    pub cpu_ms: f64,
    /// Time of the native core, in milliseconds.
    pub native_ms: f64,
}

/// A part of a run that can be selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Loading and instantiating, and the memory of instances.
    Start,
    /// Whole requests.
    Requests,
    /// Long documents.
    Streaming,
    /// Concurrent requests, and growing work.
    Many,
}

impl Part {
    /// In the order in which they run.
    pub const ALL: [Self; 4] = [Self::Start, Self::Requests, Self::Streaming, Self::Many];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Requests => "requests",
            Self::Streaming => "streaming",
            Self::Many => "many",
        }
    }
}

impl Flow {
    pub const ALL: [Self; 4] = [Self::Access, Self::Preview, Self::Erase, Self::EraseAndVerify];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Preview => "preview",
            Self::Erase => "erase",
            Self::EraseAndVerify => "erase-and-verify",
        }
    }
}

impl Reuse {
    pub const ALL: [Self; 2] = [Self::Fresh, Self::Kept];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Kept => "kept",
        }
    }
}

impl Results {
    /// # Errors
    /// The file cannot be read, or is not one of this version.
    pub fn read(path: &Path) -> io::Result<Self> {
        Ok(serde_json::from_slice(&fs::read(path)?)?)
    }

    /// Writes the file, and creates its directory.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        fs::write(path, serde_json::to_string_pretty(self)? + "\n")
    }

    pub fn served(&self, flow: Flow, reuse: Reuse, client: &str) -> Option<&Served> {
        self.served.iter().find(|served| (served.flow, served.reuse, served.client.as_str()) == (flow, reuse, client))
    }

    pub fn streamed(&self, client: &str) -> Option<&Streamed> {
        self.streamed.iter().find(|streamed| streamed.client == client)
    }

    pub fn step(&self, step: &str) -> Option<&Timing> {
        self.steps.iter().find(|timing| timing.step == step)
    }
}

/// The quantile of a sorted list; 0 for an empty one.
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(place.saturating_sub(1)).copied().unwrap_or_default()
}

/// The directory for generated files.
pub fn output_directory() -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the workspace has no directory");
    workspace.join("target/performance")
}
