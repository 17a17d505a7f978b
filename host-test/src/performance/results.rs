//! What was measured, as it stands in the file of results.

use std::path::Path;
use std::{fs, io};

use serde::{Deserialize, Serialize};

/// One run, on one machine. A part that was not measured is empty.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Results {
    /// Where.
    pub machine: Machine,
    /// When it began, in UTC.
    pub date: String,
    /// The commit, with a `+` if anything was changed since.
    pub commit: String,
    /// How many tasks kept the machine busy in the minute before it began. It should have been idle.
    pub load_before: f64,
    /// Whether it was cut short, so that its figures say little.
    pub quick: bool,
    /// The component's size in bytes.
    pub component_bytes: u64,
    /// Loading and starting, step by step.
    pub steps: Vec<Timing>,
    /// The memory of live instances.
    pub footprints: Vec<Footprint>,
    /// Whole requests, one after the other.
    pub served: Vec<Served>,
    /// Long documents.
    pub streamed: Vec<Streamed>,
    /// Many requests at once.
    pub crowds: Vec<Crowd>,
    /// How cost grows with the work.
    pub growth: Vec<Growth>,
}

/// A machine, as it describes itself.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// The processor's name.
    pub processor: String,
    /// How many of them the measurements could use.
    pub cores: u64,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// The system's name and version.
    pub system: String,
}

/// How long a step took.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Timing {
    /// Which.
    pub step: String,
    /// Half took no longer, in microseconds.
    pub p50_us: f64,
    /// 99 of 100 took no longer, in microseconds.
    pub p99_us: f64,
    /// How often it was measured.
    pub times: u64,
}

/// What live, configured instances take up.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Footprint {
    /// How many there were.
    pub instances: u64,
    /// Resident bytes for each, beyond what the host took up before. A page that instances share counts once.
    pub bytes_each: u64,
    /// The same, where a page counts for every instance that sees it.
    pub mapped_bytes_each: u64,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flow {
    /// Access, with every document read.
    Access,
    /// Deletion in the mode `preview`.
    Preview,
    /// Deletion in the mode `erase`.
    Erase,
    /// Deletion in the mode `erase-and-verify`.
    EraseAndVerify,
}

/// Whether a connection is kept from one request to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// Each request has an instance of its own, which signs in.
    Fresh,
    /// One instance, configured once, serves one request after the other, and keeps its token.
    Kept,
}

/// Whole requests that were served one after the other.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Served {
    /// What was asked for.
    pub flow: Flow,
    /// Whether the connection was kept.
    pub way: Way,
    /// By whom: `component`, `native`, `python-client`, `python-host`, `node-host`.
    pub by: String,
    /// How many.
    pub times: u64,
    /// How many were served in a second.
    pub per_second: f64,
    /// Half took no longer, in milliseconds.
    pub p50_ms: f64,
    /// 99 of 100 took no longer, in milliseconds.
    pub p99_ms: f64,
    /// Processor time of the client alone for each, in milliseconds.
    pub cpu_ms: f64,
    /// Calls to Qualtrics for each.
    pub calls: u64,
}

/// A document that was read from its beginning to its end.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Streamed {
    /// By whom, as for [`Served`].
    pub by: String,
    /// How long it was, in MiB.
    pub mib: f64,
    /// How much was read in a second, in MB.
    pub mb_per_second: f64,
    /// Processor time of the reader alone for each GiB, in seconds.
    pub cpu_s_per_gib: f64,
    /// Memory on the way; of foreign hosts it is not known.
    pub moments: Vec<Moment>,
}

/// Memory at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Moment {
    /// When, in seconds from the start.
    pub at_s: f64,
    /// The linear memory of the component, in bytes; none where there is no component.
    pub linear_bytes: Option<u64>,
    /// The resident memory of the process, in bytes.
    pub resident_bytes: u64,
}

/// Many requests at once.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Crowd {
    /// By whom, as for [`Served`].
    pub by: String,
    /// How many at once.
    pub at_once: u64,
    /// How many milliseconds Qualtrics lets pass before each answer.
    pub latency_ms: u64,
    /// How many were served in a second.
    pub per_second: f64,
    /// Processor time of the process that served them for each, in milliseconds.
    pub cpu_ms: f64,
    /// The most memory that was resident for each that was under way, in KiB, beyond what that process took up before.
    pub kib_each: f64,
}

/// What there is more and more of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Work {
    /// Contacts of the person that an access request asks about.
    Contacts,
    /// Directories that an access request searches.
    Directories,
    /// Erasures that one `poll` asks about.
    PendingJobs,
}

/// What so much work cost.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Growth {
    /// Of what.
    pub work: Work,
    /// How much.
    pub amount: u64,
    /// Calls to Qualtrics, by whomever.
    pub calls: u64,
    /// Milliseconds that the component took.
    pub ms: f64,
    /// Milliseconds that the native core took for the same.
    pub native_ms: f64,
}

/// A part of a run, which can be measured alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Loading, starting, and the memory of instances.
    Start,
    /// Whole requests.
    Requests,
    /// Long documents.
    Streaming,
    /// Many requests, and much work.
    Many,
}

impl Part {
    /// All of them, in the order in which they are measured.
    pub const ALL: [Self; 4] = [Self::Start, Self::Requests, Self::Streaming, Self::Many];

    /// Its name.
    #[must_use]
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
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Access, Self::Preview, Self::Erase, Self::EraseAndVerify];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Preview => "preview",
            Self::Erase => "erase",
            Self::EraseAndVerify => "erase-and-verify",
        }
    }
}

impl Way {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Fresh, Self::Kept];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Kept => "kept",
        }
    }
}

impl Results {
    /// Reads a file of results.
    ///
    /// # Errors
    /// If it cannot be read, or is none.
    pub fn read(path: &Path) -> io::Result<Self> {
        Ok(serde_json::from_slice(&fs::read(path)?)?)
    }

    /// Writes a file of results, with the directory that it is in.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        fs::write(path, serde_json::to_string_pretty(self)? + "\n")
    }

    /// Whole requests of this kind, served in this way by this contestant.
    #[must_use]
    pub fn served(&self, flow: Flow, way: Way, by: &str) -> Option<&Served> {
        self.served.iter().find(|served| (served.flow, served.way, served.by.as_str()) == (flow, way, by))
    }

    /// The document that was read by this contestant.
    #[must_use]
    pub fn streamed(&self, by: &str) -> Option<&Streamed> {
        self.streamed.iter().find(|streamed| streamed.by == by)
    }

    /// So many requests at once, at this latency, by this contestant.
    #[must_use]
    pub fn crowd(&self, at_once: u64, latency_ms: u64, by: &str) -> Option<&Crowd> {
        self.crowds
            .iter()
            .find(|crowd| (crowd.at_once, crowd.latency_ms, crowd.by.as_str()) == (at_once, latency_ms, by))
    }

    /// A step of loading and starting.
    #[must_use]
    pub fn step(&self, step: &str) -> Option<&Timing> {
        self.steps.iter().find(|timing| timing.step == step)
    }
}

/// The value below or at which this share of a sorted list lies; 0 of an empty one.
#[must_use]
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(place.saturating_sub(1)).copied().unwrap_or_default()
}
