//! How a fault changes what is sent.

use std::time::Duration;

use serde_json::{Number, Value};

use super::body::{Outgoing, outgoing};
use super::content::Content;
use super::counters::Counted;
use super::gzip::gzip;
use super::response::{Response, http_date};
use super::script::{End, Framing, Script};
use super::service::Service;
use crate::faults::{Fault, ForeignBody, WaitHint};

/// What a connection does with a request.
pub(super) enum Delivery {
    /// Sends a valid response.
    Whole(hyper::Response<Outgoing>),
    /// Sends an invalid response or none, and ends.
    Broken(Script),
}

impl Delivery {
    /// The status that is sent.
    pub(super) fn status(&self) -> Option<u16> {
        match self {
            Self::Whole(response) => Some(response.status().as_u16()),
            Self::Broken(script) => script.status(),
        }
    }
}

/// What is sent for a request that does not take effect.
pub(super) enum Early {
    Response(Response),
    End(End),
}

/// What is sent under a fault that prevents the effect of a request. `None` for any other fault.
pub(super) fn before_effect<S: Service>(service: &mut S, fault: Option<&Fault>) -> Option<Early> {
    match fault? {
        Fault::ResetBeforeRead | Fault::ResetBeforeEffect => Some(Early::End(End::Reset)),
        Fault::SilenceBeforeEffect => Some(Early::End(End::Silence)),
        Fault::Status(status, hint) => Some(Early::Response(error(service, *status, *hint))),
        Fault::Foreign(status, body) => Some(Early::Response(foreign(*status, *body))),
        Fault::Redirect(status, location) => Some(Early::Response(redirect(*status, location))),
        _ => None,
    }
}

/// What is sent of the response to a request that took effect.
pub(super) fn after_effect<S: Service>(
    service: &mut S,
    fault: Option<&Fault>,
    response: Response,
    in_progress: Counted,
) -> Delivery {
    let len = response.body.len();
    let half = response.body.slice(0..len / 2);
    let whole = || response.body.clone();
    let empty = |end| Script::empty(end, in_progress.clone());
    let script = |framing, body, end| Script::response(&response, framing, body, end, in_progress.clone());
    let broken = match fault {
        Some(Fault::ResetAfterEffect) => Some(empty(End::Reset)),
        Some(Fault::SilenceAfterEffect) => Some(empty(End::Silence)),
        Some(Fault::HalfAnswer) => Some(script(Framing::ContentLength(len), half, End::Close)),
        Some(Fault::StalledAnswer) => Some(script(Framing::ContentLength(len), half, End::Silence)),
        Some(Fault::ChunksCutOff) => Some(script(Framing::Chunked, half, End::Close)),
        Some(Fault::LengthTooLong) => Some(script(Framing::ContentLength(len + 10), whole(), End::Close)),
        Some(Fault::LengthTooShort) => Some(script(Framing::ContentLength(len / 2), whole(), End::Close)),
        Some(Fault::Drip(pace)) => {
            Some(script(Framing::ContentLength(len), whole(), End::Close).paced(*pace, service.clock()))
        }
        _ => None,
    };
    match broken {
        Some(script) => Delivery::Broken(script),
        None => Delivery::Whole(outgoing(&replaced(service, fault, response), in_progress)),
    }
}

/// The response under a fault that leaves HTTP intact.
fn replaced<S: Service>(service: &mut S, fault: Option<&Fault>, mut response: Response) -> Response {
    let Some(fault) = fault else { return response };
    let len = response.body.len();
    let other = match fault {
        Fault::StatusAfterEffect(status, hint) => Some(error(service, *status, *hint)),
        Fault::ForeignAfterEffect(status, body) => Some(foreign(*status, *body)),
        Fault::RedirectAfterEffect(status, location) => Some(redirect(*status, location)),
        _ => None,
    };
    if let Some(mut other) = other {
        // `Date` is the last header.
        other.headers.extend(response.headers.pop());
        return other;
    }
    match fault {
        Fault::UnaskedGzip => {
            response.body = gzip(&response.body);
            return response.with_header("content-encoding", "gzip");
        }
        Fault::Html => {
            response.headers[0].1 = "text/html".to_owned();
            response.body = Content::from_bytes("<!doctype html><title>Maintenance</title><p>We will be back soon.");
        }
        Fault::EmptyBody => response.body = Content::default(),
        Fault::EnvelopedError(status) => {
            let error = service.error_response(*status);
            (response.headers[0], response.body) = (error.headers[0].clone(), error.body);
        }
        Fault::CutJson => {
            if response.json_object().is_some() {
                response.body = response.body.slice(0..len / 2);
            }
        }
        Fault::NumbersAsStrings => replace_numbers(&mut response, &|number| number.to_string().into()),
        Fault::NumbersReplaced(value) => replace_numbers(&mut response, &|_| value.clone()),
        Fault::Member(pointer, value) => set_member(&mut response, pointer, value),
        _ => {
            if let Some(body) = service.replacement_body(fault, &response) {
                response.body = body;
            }
        }
    }
    response
}

/// Replaces all numbers of a JSON object.
fn replace_numbers(response: &mut Response, replace: &dyn Fn(&Number) -> Value) {
    fn visit(value: &mut Value, replace: &dyn Fn(&Number) -> Value) {
        match value {
            Value::Number(number) => *value = replace(number),
            Value::Array(values) => values.iter_mut().for_each(|value| visit(value, replace)),
            Value::Object(members) => members.values_mut().for_each(|value| visit(value, replace)),
            Value::Null | Value::Bool(_) | Value::String(_) => {}
        }
    }
    if let Some(mut object) = response.json_object() {
        visit(&mut object, replace);
        response.body = Content::from_bytes(object.to_string());
    }
}

/// Sets a member of a JSON object.
fn set_member(response: &mut Response, pointer: &str, value: &Value) {
    let Some((parent, name)) = pointer.rsplit_once('/') else { return };
    let Some(mut object) = response.json_object() else { return };
    if let Some(parent) = object.pointer_mut(parent).and_then(Value::as_object_mut) {
        parent.insert(name.to_owned(), value.clone());
        response.body = Content::from_bytes(object.to_string());
    }
}

/// An error response of a proxy or gateway.
fn foreign(status: u16, body: ForeignBody) -> Response {
    let (media_type, text) = match body {
        ForeignBody::Text => ("text/plain", "upstream connect error or disconnect/reset before headers"),
        ForeignBody::Html => {
            ("text/html", "<html><head><title>Error</title></head><body><center>nginx</center></body></html>")
        }
        ForeignBody::Json => {
            ("application/json", "{\"message\":\"An invalid response was received from the upstream server\"}")
        }
        ForeignBody::Disguised => {
            ("application/json", "\u{FEFF}\n<!-- portal -->\n<!DOCTYPE html><html><body>Please sign in.</body></html>")
        }
        ForeignBody::Empty => ("", ""),
    };
    let mut response = Response::new(status, media_type, text);
    response.headers.retain(|(_, value)| !value.is_empty());
    response
}

fn redirect(status: u16, location: &str) -> Response {
    Response::new(status, "text/html", "").with_header("location", location)
}

/// An error response in the vendor's format, with a hint when to retry.
fn error<S: Service>(service: &mut S, status: u16, hint: WaitHint) -> Response {
    let response = service.error_response(status);
    let value = match hint {
        WaitHint::None => return response,
        WaitHint::Seconds(seconds) => seconds.to_string(),
        WaitHint::Date(seconds) => http_date(service.clock().since_epoch() + Duration::from_secs(seconds)),
        WaitHint::Past(seconds) => http_date(service.clock().since_epoch() - Duration::from_secs(seconds)),
        WaitHint::Fraction => "1.5".to_owned(),
        WaitHint::Negative => "-5".to_owned(),
        WaitHint::Absurd => "-99999999999999999999 fortnights".to_owned(),
    };
    response.with_header("retry-after", value)
}
