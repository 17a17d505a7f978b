//! The scale of a run.

use std::time::Duration;

use criterion::Criterion;

use crate::results::Part;

/// The scale of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Runs each benchmark once, as a test.
    Once,
    /// Rough figures, in about one minute.
    Quick,
    /// Figures for the documentation.
    Full,
}

impl Scale {
    /// The scale that the command line requests.
    pub fn from_arguments() -> Self {
        let has = |flag: &str| std::env::args().any(|argument| argument == flag);
        match (has("--bench"), has("--quick")) {
            (false, _) => Self::Once,
            (true, true) => Self::Quick,
            (true, false) => Self::Full,
        }
    }

    /// Selects one of three values.
    pub fn pick<T>(self, once: T, quick: T, full: T) -> T {
        match self {
            Self::Once => once,
            Self::Quick => quick,
            Self::Full => full,
        }
    }

    /// The measurement time for each kind of request.
    pub fn request_measurement_time(self) -> Duration {
        self.pick(Duration::from_millis(1), Duration::from_millis(400), Duration::from_millis(1_500))
    }

    /// Criterion, configured for this scale and by its own arguments.
    pub fn criterion(self) -> Criterion {
        Criterion::default()
            .without_plots()
            .sample_size(10)
            .warm_up_time(Duration::from_millis(100))
            .measurement_time(self.pick(Duration::from_millis(1), Duration::from_millis(500), Duration::from_secs(3)))
            .configure_from_args()
    }
}

/// Whether the part is included: it is if the command line selects it, or selects none.
pub fn includes(part: Part) -> bool {
    selected_part().is_none_or(|selected| selected == part.name())
}

/// The name of the part that the command line selects. It is the start of a filter of Criterion, such as `requests/access`.
pub fn selected_part() -> Option<String> {
    let filter = std::env::args().skip(1).find(|argument| !argument.starts_with('-'))?;
    filter.split('/').next().map(str::to_owned)
}
