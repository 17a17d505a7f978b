//! What can go wrong between two machines, to order.

use std::time::{Duration, UNIX_EPOCH};

use serde::Deserialize;

use super::record::Endpoint;

/// What befalls a call.
///
/// A fault that spoils an answer lets the call take effect first; the others say when they strike.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// The answer is whole, but the last one: every connection ends with the call that it serves, and nothing listens at the
    /// port, so that the next connection is refused, until [`Simulator::open_up`](super::Simulator::open_up).
    ShutBehind,
    /// The connection is reset when the head of the request has come.
    ResetBeforeRead,
    /// The connection is reset when the request has come, before it takes effect.
    ResetBeforeEffect,
    /// The call takes effect; then the connection is reset.
    ResetAfterEffect,
    /// Nothing is ever answered, and the call does not take effect. The connection stays until the caller closes it.
    SilenceBeforeEffect,
    /// The call takes effect; nothing is ever answered. The connection stays until the caller closes it.
    SilenceAfterEffect,
    /// `Content-Length` of the whole body, half of it, then the end of the connection.
    HalfAnswer,
    /// `Content-Length` of the whole body, half of it, then silence.
    StalledAnswer,
    /// Chunks that hold half of the body, then the end of the connection without a last chunk.
    ChunksCutOff,
    /// A `Content-Length` ten bytes too long, the body, then the end of the connection.
    LengthTooLong,
    /// A `Content-Length` of half the body, then the whole body on a connection that closes.
    LengthTooShort,
    /// The head at once, then a byte of the body each time this much has passed by the simulator's clock. One that is made it
    /// moves itself.
    Drip(Duration),
    /// An error in Qualtrics' envelope; the call does not take effect.
    Status(u16, WaitHint),
    /// The call takes effect; the response is this error, in Qualtrics' envelope.
    StatusAfterEffect(u16, WaitHint),
    /// An error of a proxy or gateway, without Qualtrics' envelope; the call does not take effect.
    Foreign(u16, ForeignBody),
    /// The call takes effect; the response is this error of a proxy or gateway, without Qualtrics' envelope.
    ForeignAfterEffect(u16, ForeignBody),
    /// A redirect with this status to this URL; the call does not take effect.
    Redirect(u16, String),
    /// The call takes effect; the response is a redirect with this status to this URL.
    RedirectAfterEffect(u16, String),
    /// An HTML page under the true status.
    Html,
    /// No body under the true status.
    EmptyBody,
    /// JSON, but an array.
    JsonArray,
    /// JSON, but a string.
    JsonString,
    /// JSON, but a number.
    JsonNumber,
    /// JSON with a `result` of arrays 10,000 deep.
    DeepJson,
    /// JSON with a string of 100 MB, sent as fast as it is read.
    HugeBody,
    /// JSON with bytes in a string that are not UTF-8.
    InvalidUtf8,
    /// Members that come twice: an empty `result` and a `meta` before the true ones.
    DuplicateKeys,
    /// All numbers are strings.
    NumbersAsStrings,
    /// The true answer, but `meta.httpStatus` says this.
    MetaStatus(u16),
    /// The cursor of a list points to the same page again, even on the last page.
    RepeatedCursor,
    /// The next page of a list is said to be at this origin, which is another; and there is one, though it may be empty.
    NextPageElsewhere(String),
    /// A search of contacts pays no heed to its filter, and finds everyone.
    IgnoredFilter,
    /// The body is gzipped, and said to be, though nobody asked for it.
    UnaskedGzip,
}

/// The body of an error that a proxy or gateway between the client and Qualtrics writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForeignBody {
    /// Envoy's text for an upstream connection that fails.
    Text,
    /// An HTML page, as nginx writes it.
    Html,
    /// JSON of an API gateway, which is not Qualtrics' envelope.
    Json,
    /// No body, and no media type.
    Empty,
}

impl ForeignBody {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Text, Self::Html, Self::Json, Self::Empty];

    /// The media type and the body.
    pub(super) const fn content(self) -> (&'static str, &'static str) {
        match self {
            Self::Text => ("text/plain", "upstream connect error or disconnect/reset before headers"),
            Self::Html => {
                ("text/html", "<html><head><title>Error</title></head><body><center>nginx</center></body></html>")
            }
            Self::Json => {
                ("application/json", "{\"message\":\"An invalid response was received from the upstream server\"}")
            }
            Self::Empty => ("", ""),
        }
    }
}

/// What a 429 or 503 says of when to come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WaitHint {
    /// Nothing.
    None,
    /// This many seconds.
    Seconds(u64),
    /// A date this many seconds from now, by the simulator's clock.
    Date(u64),
    /// Something that is neither.
    Absurd,
}

impl WaitHint {
    /// The value of the header.
    pub(super) fn header(self, now: Duration) -> Option<String> {
        match self {
            Self::None => None,
            Self::Seconds(seconds) => Some(seconds.to_string()),
            Self::Date(seconds) => Some(date_header(now + Duration::from_secs(seconds))),
            Self::Absurd => Some("-99999999999999999999 fortnights".to_owned()),
        }
    }
}

/// An instant since 1970 as HTTP writes it.
pub(super) fn date_header(instant: Duration) -> String {
    httpdate::fmt_http_date(UNIX_EPOCH + instant)
}

/// Which calls a fault befalls, counted among those that match, from when the rule was set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Occurrence {
    /// One call, the first is 1.
    Nth(u32),
    /// This many calls from the first on.
    First(u32),
    /// All calls.
    #[default]
    Every,
}

/// A fault, and what it befalls.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// The endpoint; none is any.
    #[serde(default)]
    pub endpoint: Option<Endpoint>,
    /// Which of its calls.
    #[serde(default)]
    pub occurrence: Occurrence,
    /// What happens to them.
    pub fault: Fault,
}

impl FaultRule {
    /// Befalls the nth call of an endpoint; the first is 1.
    #[must_use]
    pub fn nth(endpoint: Endpoint, n: u32, fault: Fault) -> Self {
        Self { endpoint: Some(endpoint), occurrence: Occurrence::Nth(n), fault }
    }

    /// Befalls this many calls of an endpoint from the first on.
    #[must_use]
    pub fn first(endpoint: Endpoint, n: u32, fault: Fault) -> Self {
        Self { endpoint: Some(endpoint), occurrence: Occurrence::First(n), fault }
    }

    /// Befalls every call of an endpoint.
    #[must_use]
    pub fn every(endpoint: Endpoint, fault: Fault) -> Self {
        Self { endpoint: Some(endpoint), occurrence: Occurrence::Every, fault }
    }

    /// Befalls the nth call of all; the first is 1.
    #[must_use]
    pub fn nth_of_any(n: u32, fault: Fault) -> Self {
        Self { endpoint: None, occurrence: Occurrence::Nth(n), fault }
    }
}

/// The rules that are set, and how many calls each has seen.
#[derive(Default)]
pub(super) struct Faults(Vec<(FaultRule, u32)>);

impl Faults {
    pub(super) fn new(rules: Vec<FaultRule>) -> Self {
        Self(rules.into_iter().map(|rule| (rule, 0)).collect())
    }

    /// The fault that befalls a call now: that of the first rule that wants it. Every matching rule counts the call.
    pub(super) fn befall(&mut self, endpoint: Endpoint) -> Option<Fault> {
        let mut struck = None;
        for (rule, seen) in &mut self.0 {
            if rule.endpoint.is_some_and(|wanted| wanted != endpoint) {
                continue;
            }
            *seen += 1;
            let strikes = match rule.occurrence {
                Occurrence::Nth(n) => *seen == n,
                Occurrence::First(n) => *seen <= n,
                Occurrence::Every => true,
            };
            if strikes && struck.is_none() {
                struck = Some(rule.fault.clone());
            }
        }
        struck
    }
}
