//! How a fault changes what is answered.

use serde_json::Value;

use super::answer::{Answer, http_status};
use super::content::Content;
use super::dialects::HttpStatus;
use super::export::gzip;
use super::faults::{Fault, ForeignBody, WaitHint};
use super::gauge::Held;
use super::state::State;
use super::wire::{Delivery, End, Framing, Script, whole};

/// What happens to a call that does not take effect.
pub(super) enum Early {
    Answer(Answer),
    End(End),
}

/// What becomes of a call that this fault keeps from taking effect.
pub(super) fn before_effect(state: &mut State, fault: Option<&Fault>) -> Option<Early> {
    match fault? {
        Fault::ResetBeforeRead | Fault::ResetBeforeEffect => Some(Early::End(End::Reset)),
        Fault::SilenceBeforeEffect => Some(Early::End(End::Silence)),
        Fault::Status(status, hint) => Some(Early::Answer(error(state, *status, *hint))),
        Fault::Foreign(status, body) => Some(Early::Answer(foreign(*status, *body))),
        Fault::Redirect(status, location) => Some(Early::Answer(redirect(*status, location))),
        _ => None,
    }
}

/// What is sent of the answer to a call that took effect.
pub(super) fn after_effect(state: &mut State, fault: Option<&Fault>, answer: Answer, under_way: Held) -> Delivery {
    let len = answer.body.len();
    let half = answer.body.part(0..len / 2);
    let script = |framing, body, end| Script::answer(&answer, framing, body, end, under_way.clone());
    let broken = match fault {
        Some(Fault::ResetAfterEffect) => Some(Script::nothing(End::Reset, under_way.clone())),
        Some(Fault::SilenceAfterEffect) => Some(Script::nothing(End::Silence, under_way.clone())),
        Some(Fault::HalfAnswer) => Some(script(Framing::Length(len), half, End::Close)),
        Some(Fault::StalledAnswer) => Some(script(Framing::Length(len), half, End::Silence)),
        Some(Fault::ChunksCutOff) => Some(script(Framing::Chunks, half, End::Close)),
        Some(Fault::LengthTooLong) => Some(script(Framing::Length(len + 10), answer.body.clone(), End::Close)),
        Some(Fault::LengthTooShort) => Some(script(Framing::Length(len / 2), answer.body.clone(), End::Close)),
        Some(Fault::Drip(pace)) => {
            Some(script(Framing::Length(len), answer.body.clone(), End::Close).paced(*pace, &state.clock))
        }
        _ => None,
    };
    match broken {
        Some(script) => Delivery::Broken(script),
        None => whole(&misleading(state, fault, answer), under_way),
    }
}

/// The answer as it is, or another that HTTP allows.
fn misleading(state: &mut State, fault: Option<&Fault>, mut answer: Answer) -> Answer {
    let Some(fault) = fault else { return answer };
    let other = match fault {
        Fault::StatusAfterEffect(status, hint) => Some(error(state, *status, *hint)),
        Fault::ForeignAfterEffect(status, body) => Some(foreign(*status, *body)),
        Fault::RedirectAfterEffect(status, location) => Some(redirect(*status, location)),
        _ => None,
    };
    if let Some(mut other) = other {
        // The date comes last.
        other.headers.extend(answer.headers.pop());
        return other;
    }
    let body = match fault {
        Fault::UnaskedGzip => {
            answer.body = gzip(&answer.body);
            return answer.with_header("content-encoding", "gzip");
        }
        Fault::Html => {
            answer.headers[0].1 = "text/html".to_owned();
            Content::kept("<!doctype html><title>Maintenance</title><p>We will be back soon.")
        }
        Fault::EmptyBody => Content::default(),
        Fault::JsonArray => Content::kept("[{\"result\":{}}]"),
        Fault::JsonString => Content::kept("\"result\""),
        Fault::JsonNumber => Content::kept("200"),
        Fault::DeepJson => {
            const DEPTH: u64 = 10_000;
            let open = Content::kept("{\"result\":").followed_by(&Content::fill(b'[', DEPTH));
            open.followed_by(&Content::fill(b']', DEPTH)).followed_by(&Content::kept("}"))
        }
        Fault::HugeBody => {
            let head = Content::kept("{\"meta\":{\"httpStatus\":\"200 - OK\"},\"result\":{\"text\":\"");
            head.followed_by(&Content::fill(b'a', 100_000_000)).followed_by(&Content::kept("\"}}"))
        }
        Fault::InvalidUtf8 => {
            Content::kept(&b"{\"meta\":{\"httpStatus\":\"200 - OK\"},\"result\":{\"status\":\"\xff\xfe\xc3\x28\"}}"[..])
        }
        Fault::DuplicateKeys | Fault::NumbersAsStrings | Fault::MetaStatus(_) => match rewritten(fault, &answer) {
            Some(body) => Content::kept(body),
            None => return answer,
        },
        _ => return answer,
    };
    answer.body = body;
    answer
}

/// JSON that this fault has changed; none if the answer is not a JSON object.
fn rewritten(fault: &Fault, answer: &Answer) -> Option<String> {
    if !answer.headers.iter().any(|(name, value)| *name == "content-type" && value.starts_with("application/json")) {
        return None;
    }
    let mut value: Value = serde_json::from_slice(&answer.body.to_vec()).ok()?;
    value.as_object()?;
    match fault {
        Fault::DuplicateKeys => {
            let text = value.to_string();
            return Some(text.replacen('{', "{\"result\":null,\"meta\":{\"httpStatus\":\"200 - OK\"},", 1));
        }
        Fault::MetaStatus(status) => value["meta"]["httpStatus"] = http_status(*status, HttpStatus::Text).into(),
        _ => stringify(&mut value),
    }
    Some(value.to_string())
}

fn stringify(value: &mut Value) {
    match value {
        Value::Number(number) => *value = number.to_string().into(),
        Value::Array(values) => values.iter_mut().for_each(stringify),
        Value::Object(members) => members.values_mut().for_each(stringify),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// An error of a proxy or gateway.
fn foreign(status: u16, body: ForeignBody) -> Answer {
    let (media_type, text) = body.content();
    let mut answer = Answer::new(status, media_type, text);
    answer.headers.retain(|(_, value)| !value.is_empty());
    answer
}

fn redirect(status: u16, location: &str) -> Answer {
    Answer::new(status, "text/html", "").with_header("location", location)
}

/// An error in Qualtrics' envelope that something other than the endpoint writes.
fn error(state: &mut State, status: u16, hint: WaitHint) -> Answer {
    let code = match status {
        401 => "DCD_7",
        403 => "AuthZ_2.0",
        404 => "GED_3",
        500 => "SURVEYS_1.2",
        _ => "QFLT_1",
    };
    let answer = state.refusal(status, code);
    match hint.header(state.now()) {
        Some(value) => answer.with_header("retry-after", value),
        None => answer,
    }
}
