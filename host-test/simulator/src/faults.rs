//! Faults, and the rules that choose the requests to which they are applied.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

/// Something that goes wrong with a request or its response.
///
/// Unless its description says otherwise, a fault changes the response only: the request takes effect first.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// The response is complete and the last one. Each connection ends after its request in progress, and new connections are
    /// refused until [`Simulator::accept_connections`](crate::Simulator::accept_connections).
    ShutBehind,
    /// The connection is reset once the head of the request is received. The request does not take effect.
    ResetBeforeRead,
    /// The connection is reset once the request is received. The request does not take effect.
    ResetBeforeEffect,
    /// The request takes effect, and the connection is reset.
    ResetAfterEffect,
    /// The request does not take effect. Nothing is sent, and the connection stays open until the client closes it.
    SilenceBeforeEffect,
    /// The request takes effect. Nothing is sent, and the connection stays open until the client closes it.
    SilenceAfterEffect,
    /// `Content-Length` of the whole body, then half of the body, then the connection closes.
    HalfAnswer,
    /// `Content-Length` of the whole body, then half of the body, then nothing. The connection stays open.
    StalledAnswer,
    /// Chunks with half of the body, then the connection closes without a last chunk.
    ChunksCutOff,
    /// A `Content-Length` that is ten bytes too large, then the body, then the connection closes.
    LengthTooLong,
    /// A `Content-Length` of half of the body, then the whole body, then the connection closes.
    LengthTooShort,
    /// The head at once, then one byte of the body per interval of the simulator's clock. A simulated clock is advanced by the
    /// interval for each byte.
    Drip(Duration),
    /// An error in Qualtrics' envelope. The request does not take effect.
    Status(u16, WaitHint),
    /// The request takes effect. The response is an error in Qualtrics' envelope.
    StatusAfterEffect(u16, WaitHint),
    /// An error of a proxy or gateway, without Qualtrics' envelope. The request does not take effect.
    Foreign(u16, ForeignBody),
    /// The request takes effect. The response is an error of a proxy or gateway, without Qualtrics' envelope.
    ForeignAfterEffect(u16, ForeignBody),
    /// A redirect with this status to this URL. The request does not take effect.
    Redirect(u16, String),
    /// The request takes effect. The response is a redirect with this status to this URL.
    RedirectAfterEffect(u16, String),
    /// The correct status with an HTML page.
    Html,
    /// The correct status without a body.
    EmptyBody,
    /// A JSON array instead of an object.
    JsonArray,
    /// A JSON string instead of an object.
    JsonString,
    /// A JSON number instead of an object.
    JsonNumber,
    /// JSON whose `result` is 10,000 nested arrays.
    DeepJson,
    /// JSON with a string of 100 MB, sent as fast as the client reads it.
    HugeBody,
    /// JSON with a string that is not valid UTF-8.
    InvalidUtf8,
    /// Duplicate members: a null `result` and a `meta` before the correct ones.
    DuplicateKeys,
    /// The same after the correct ones.
    RepeatedKeys,
    /// JSON of which only the first half is sent, with the length of that half.
    CutJson,
    /// All numbers of the correct response as strings.
    NumbersAsStrings,
    /// This value in place of all numbers of the correct response.
    NumbersReplaced(Value),
    /// The correct response with this value at the place of a JSON pointer, such as `/result/elements`. A response without the object
    /// that the place is in stays as it is.
    Member(String, Value),
    /// The correct status with an error of this status in Qualtrics' envelope.
    EnvelopedError(u16),
    /// The correct response, but with this status in `meta.httpStatus`.
    MetaStatus(u16),
    /// The cursor of a list points to the same page again, even on the last page.
    RepeatedCursor,
    /// The next page of a list has a URL of this origin, even on the last page. The page after the last one is empty.
    NextPageElsewhere(String),
    /// A search of contacts ignores its filter and finds all contacts.
    IgnoredFilter,
    /// The body is compressed with gzip and declared as such, although the client did not accept that.
    UnaskedGzip,
}

/// The body of an error response that a proxy or gateway makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForeignBody {
    /// The text of Envoy for a failed upstream connection.
    Text,
    /// An HTML page like that of nginx.
    Html,
    /// JSON of an API gateway, without Qualtrics' envelope.
    Json,
    /// An HTML page that is declared as JSON, behind a byte order mark and a comment.
    Disguised,
    /// No body and no media type.
    Empty,
}

impl ForeignBody {
    /// All values.
    pub const ALL: [Self; 5] = [Self::Text, Self::Html, Self::Json, Self::Disguised, Self::Empty];
}

/// The `Retry-After` header of an error response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WaitHint {
    /// No header.
    None,
    /// This number of seconds.
    Seconds(u64),
    /// The date that is this number of seconds ahead of the simulator's clock.
    Date(u64),
    /// The date that is this number of seconds behind the simulator's clock.
    Past(u64),
    /// One and a half seconds.
    Fraction,
    /// A negative number of seconds.
    Negative,
    /// A value that is neither a number of seconds nor a date.
    Absurd,
}

/// To which matching requests a fault is applied. They are counted from the time at which the rule is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Occurrence {
    /// One request; the first is 1.
    Nth(u32),
    /// The first requests, this many.
    First(u32),
    /// All requests.
    #[default]
    Every,
}

/// A fault, and the requests to which it is applied. `E` identifies an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule<E> {
    /// The endpoint of the requests. `None` matches any endpoint.
    pub endpoint: Option<E>,
    /// Which of the matching requests.
    #[serde(default)]
    pub occurrence: Occurrence,
    /// The fault to apply.
    pub fault: Fault,
}

impl<E> FaultRule<E> {
    /// Applies a fault to the nth request to an endpoint; the first is 1.
    #[must_use]
    pub fn nth(endpoint: E, n: u32, fault: Fault) -> Self {
        Self { endpoint: Some(endpoint), occurrence: Occurrence::Nth(n), fault }
    }

    /// Applies a fault to the first `n` requests to an endpoint.
    #[must_use]
    pub fn first(endpoint: E, n: u32, fault: Fault) -> Self {
        Self { endpoint: Some(endpoint), occurrence: Occurrence::First(n), fault }
    }

    /// Applies a fault to every request to an endpoint.
    #[must_use]
    pub fn every(endpoint: E, fault: Fault) -> Self {
        Self { endpoint: Some(endpoint), occurrence: Occurrence::Every, fault }
    }

    /// Applies a fault to the nth request to any endpoint; the first is 1.
    #[must_use]
    pub fn nth_of_any(n: u32, fault: Fault) -> Self {
        Self { endpoint: None, occurrence: Occurrence::Nth(n), fault }
    }
}

/// The rules that are set, with the number of requests that each has matched.
pub(crate) struct FaultRules<E>(Vec<(FaultRule<E>, u32)>);

impl<E> Default for FaultRules<E> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<E: PartialEq> FaultRules<E> {
    pub(crate) fn new(rules: Vec<FaultRule<E>>) -> Self {
        Self(rules.into_iter().map(|rule| (rule, 0)).collect())
    }

    /// Counts a request and returns the fault of the first rule that applies to it. Every matching rule counts the request.
    pub(crate) fn next(&mut self, endpoint: &E) -> Option<Fault> {
        let mut fault = None;
        for (rule, matched) in &mut self.0 {
            if rule.endpoint.as_ref().is_some_and(|wanted| wanted != endpoint) {
                continue;
            }
            *matched += 1;
            let applies = match rule.occurrence {
                Occurrence::Nth(n) => *matched == n,
                Occurrence::First(n) => *matched <= n,
                Occurrence::Every => true,
            };
            if applies && fault.is_none() {
                fault = Some(rule.fault.clone());
            }
        }
        fault
    }
}
