//! Errands for a process of their own, where nothing else has been.

use std::io::Write;
use std::process::{Command, Stdio};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::brand::Connection;
use crate::many::{self, Rush};
use crate::{start, streaming};

const ALONE: &str = "--alone";

/// What to measure.
#[derive(Debug, Deserialize, Serialize)]
pub enum Errand {
    /// See [`start::footprint`].
    Footprint { instances: u32 },
    /// See [`streaming::component`].
    StreamThroughComponent(Connection),
    /// See [`streaming::native`].
    StreamNatively(Connection),
    /// See [`streaming::download`].
    Download(Connection),
    /// See [`many::instances`].
    CrowdOfInstances(Rush),
    /// See [`many::natives`].
    CrowdOfNatives(Rush),
}

impl Errand {
    /// Sends a process, and waits for what it brings back.
    ///
    /// # Panics
    /// If it brings nothing.
    pub fn send<T: DeserializeOwned>(&self) -> T {
        let errand = serde_json::to_string(self).expect("an errand is JSON");
        let output = Command::new(std::env::current_exe().expect("this program"))
            .args([ALONE, &errand])
            .stderr(Stdio::inherit())
            .output()
            .expect("this program starts");
        assert!(output.status.success(), "{self:?} failed");
        serde_json::from_slice(&output.stdout).expect("what it was sent for")
    }

    fn run(self) -> serde_json::Result<String> {
        match self {
            Self::Footprint { instances } => serde_json::to_string(&start::footprint(instances)),
            Self::StreamThroughComponent(connection) => serde_json::to_string(&streaming::component(&connection)),
            Self::StreamNatively(connection) => serde_json::to_string(&streaming::native(&connection)),
            Self::Download(connection) => serde_json::to_string(&streaming::download(&connection)),
            Self::CrowdOfInstances(rush) => serde_json::to_string(&many::instances(&rush)),
            Self::CrowdOfNatives(rush) => serde_json::to_string(&many::natives(&rush)),
        }
    }
}

/// Runs the errand that this process was sent on, if it was sent on one.
pub fn was_sent() -> bool {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() != Some(ALONE) {
        return false;
    }
    let errand: Errand = serde_json::from_str(&arguments.next().expect("an errand")).expect("an errand");
    let brought = errand.run().expect("what it brings back is JSON");
    std::io::stdout().write_all(brought.as_bytes()).expect("somebody waits for it");
    true
}
