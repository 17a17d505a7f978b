//! How much is measured.

use std::time::Duration;

use criterion::Criterion;
use host_test::performance::Part;

/// How much is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Everything once, to see that it works.
    Once,
    /// A look, in a minute.
    Quick,
    /// What a page is made of.
    Full,
}

impl Scale {
    /// As the command line says.
    pub fn of_arguments() -> Self {
        let given = |word: &str| std::env::args().any(|argument| argument == word);
        match (given("--bench"), given("--quick")) {
            (false, _) => Self::Once,
            (true, true) => Self::Quick,
            (true, false) => Self::Full,
        }
    }

    /// The one of three that fits.
    pub fn pick<T>(self, once: T, quick: T, full: T) -> T {
        match self {
            Self::Once => once,
            Self::Quick => quick,
            Self::Full => full,
        }
    }

    /// For how long requests of one kind are served.
    pub fn of_a_request(self) -> Duration {
        self.pick(Duration::from_millis(1), Duration::from_millis(400), Duration::from_millis(1_500))
    }

    /// Criterion, for this scale and with its own arguments. What comes here is warm already.
    pub fn criterion(self) -> Criterion {
        Criterion::default()
            .without_plots()
            .sample_size(10)
            .warm_up_time(Duration::from_millis(100))
            .measurement_time(self.pick(Duration::from_millis(1), Duration::from_millis(500), Duration::from_secs(3)))
            .configure_from_args()
    }

    /// Whether a part is to be measured: all are, unless the command line names some.
    pub fn includes(self, part: Part) -> bool {
        self.includes_all() || named().any(|name| name.split('/').next() == Some(part.name()))
    }

    /// Whether the command line leaves nothing out.
    pub fn includes_all(self) -> bool {
        named().next().is_none()
    }
}

fn named() -> impl Iterator<Item = String> {
    std::env::args().skip(1).filter(|argument| !argument.starts_with('-'))
}
