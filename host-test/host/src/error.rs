//! Errors of the host.

use std::fmt;

/// Why the host has no result of a connector.
///
/// Errors that the connector returns are [`contract::Error`](crate::contract::Error). A `HostError` holds nothing from the
/// connector's memory: no personal data, and no secret.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum HostError {
    /// The options are invalid; the text says why.
    Options(String),
    /// This host cannot run the component; the text says why.
    Unfit(String),
    /// There are [`Options::max_instances`](crate::Options::max_instances) instances already.
    Exhausted,
    /// The connector trapped: it is defective, or reached a limit. What it started at the vendor is unknown. The instance is
    /// discarded.
    Trap(Option<wasmtime::Trap>),
    /// The call took longer than [`InstanceOptions::call_timeout`](crate::InstanceOptions::call_timeout). What it started at the
    /// vendor is unknown. The instance is discarded.
    TimedOut,
    /// The connector returned more or fewer results than elements: it is defective. What it started at the vendor is unknown.
    Miscounted,
    /// An earlier call of this instance returned nothing. This call was not made.
    Spent,
}

impl HostError {
    pub(crate) fn unfit(error: &wasmtime::Error) -> Self {
        Self::Unfit(format!("{error:#}"))
    }

    pub(crate) fn of_call(error: &wasmtime::Error) -> Self {
        if error.is::<wasmtime::PoolConcurrencyLimitError>() {
            return Self::Exhausted;
        }
        Self::Trap(error.downcast_ref().copied())
    }

    /// Whether the vendor may have started something. A deletion is then repeated with
    /// [`Request::attempts`](crate::contract::Request::attempts).
    /// [`Connector::follow`](crate::Connector::follow) does that.
    #[must_use]
    pub fn outcome_unknown(&self) -> bool {
        matches!(self, Self::Trap(_) | Self::TimedOut | Self::Miscounted)
    }
}

/// What to do about a call without a result.
const REPEAT: &str = "repeat the call on a new instance, a deletion with `Request::attempts`";

impl fmt::Display for HostError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Options(why) => write!(formatter, "the options of the host are invalid: {why}"),
            Self::Unfit(why) => write!(formatter, "this host cannot run the component: {why}"),
            Self::Exhausted => {
                formatter.write_str("there are too many instances: drop one, or raise `Options::max_instances`")
            }
            Self::Trap(Some(code)) => write!(formatter, "the connector trapped ({code}); {REPEAT}"),
            Self::Trap(None) => write!(formatter, "the connector trapped; {REPEAT}"),
            Self::TimedOut => write!(formatter, "the connector returned no result in time; {REPEAT}"),
            Self::Miscounted => {
                write!(formatter, "the connector returned a wrong number of results; {REPEAT}")
            }
            Self::Spent => formatter.write_str(
                "an earlier call of this instance returned no result: call `Plugin::instantiate` for a new one",
            ),
        }
    }
}

impl std::error::Error for HostError {}
