use std::fmt;

/// Why the host has no answer of the connector to give.
///
/// An error that the connector itself answers is none of these: it is a [`contract::Error`](super::contract::Error). Nothing
/// here holds anything of the connector's memory, and so no personal data and no secret.
#[derive(Debug)]
#[non_exhaustive]
pub enum HostError {
    /// The host cannot be set up like this; the text says why.
    Options(String),
    /// These bytes are no component that this host can run; the text says why.
    Unfit(String),
    /// There are as many instances as [`Options::max_instances`](super::Options::max_instances) allows.
    Exhausted,
    /// The connector came to a stop in the middle of the call: it is defective, or has hit a limit. What it had begun at
    /// the vendor is unknown. The instance is gone.
    Trap(Option<wasmtime::Trap>),
    /// The call took longer than it may. What it had begun at the vendor is unknown. The instance is gone.
    TimedOut,
    /// The connector returned more or fewer results than it was given elements: it is defective. What it started at the vendor is
    /// unknown.
    Miscounted,
    /// An earlier call of this instance returned nothing; this one was not made.
    Spent,
}

impl HostError {
    pub(super) fn unfit(error: &wasmtime::Error) -> Self {
        Self::Unfit(format!("{error:#}"))
    }

    pub(super) fn of_call(error: &wasmtime::Error) -> Self {
        if error.is::<wasmtime::PoolConcurrencyLimitError>() {
            return Self::Exhausted;
        }
        Self::Trap(error.downcast_ref().copied())
    }

    /// Whether the vendor may have started something nevertheless: then the host repeats the call with
    /// [`Request::attempts`](super::contract::Request::attempts).
    #[must_use]
    pub fn outcome_unknown(&self) -> bool {
        matches!(self, Self::Trap(_) | Self::TimedOut | Self::Miscounted)
    }
}

impl fmt::Display for HostError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Options(why) => write!(formatter, "the host cannot be set up: {why}"),
            Self::Unfit(why) => write!(formatter, "this is not a connector that this host can run: {why}"),
            Self::Exhausted => formatter.write_str("no further instance is allowed: wait until another is dropped"),
            Self::Trap(Some(code)) => write!(formatter, "the connector stopped without an answer: {code}"),
            Self::Trap(None) => formatter.write_str("the connector stopped without an answer"),
            Self::TimedOut => formatter.write_str("the connector gave no answer in time"),
            Self::Miscounted => {
                formatter.write_str("the connector returned another number of results than it was given elements")
            }
            Self::Spent => {
                formatter.write_str("an earlier call of this instance ended without an answer: make a new one")
            }
        }
    }
}

impl std::error::Error for HostError {}
