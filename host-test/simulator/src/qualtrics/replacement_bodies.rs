//! The bodies of faults that depend on Qualtrics' envelope.

use super::dialects::HttpStatus;
use super::envelope::http_status;
use crate::faults::Fault;
use crate::server::{Content, Response};

/// The body that replaces the body of a response under this fault. `None` leaves it as it is.
pub(super) fn replacement_body(fault: &Fault, response: &Response) -> Option<Content> {
    Some(match fault {
        Fault::JsonArray => Content::from_bytes("[{\"result\":{}}]"),
        Fault::JsonString => Content::from_bytes("\"result\""),
        Fault::JsonNumber => Content::from_bytes("200"),
        Fault::DeepJson => deep_json(),
        Fault::HugeBody => huge_json(),
        Fault::InvalidUtf8 => Content::from_bytes(
            &b"{\"meta\":{\"httpStatus\":\"200 - OK\"},\"result\":{\"status\":\"\xff\xfe\xc3\x28\"}}"[..],
        ),
        Fault::DuplicateKeys => {
            let text = response.json_object()?.to_string();
            Content::from_bytes(text.replacen('{', "{\"result\":null,\"meta\":{\"httpStatus\":\"200 - OK\"},", 1))
        }
        Fault::RepeatedKeys => {
            let mut text = response.json_object()?.to_string();
            text.truncate(text.len() - 1);
            Content::from_bytes(text + ",\"result\":null,\"meta\":{\"httpStatus\":\"200 - OK\"}}")
        }
        Fault::MetaStatus(status) => {
            let mut value = response.json_object()?;
            value["meta"]["httpStatus"] = http_status(*status, HttpStatus::Text).into();
            Content::from_bytes(value.to_string())
        }
        _ => return None,
    })
}

fn deep_json() -> Content {
    const DEPTH: u64 = 10_000;
    Content::from_bytes("{\"result\":")
        .followed_by(&Content::repeated(b'[', DEPTH))
        .followed_by(&Content::repeated(b']', DEPTH))
        .followed_by(&Content::from_bytes("}"))
}

fn huge_json() -> Content {
    const TEXT_LENGTH: u64 = 100_000_000;
    Content::from_bytes("{\"meta\":{\"httpStatus\":\"200 - OK\"},\"result\":{\"text\":\"")
        .followed_by(&Content::repeated(b'a', TEXT_LENGTH))
        .followed_by(&Content::from_bytes("\"}}"))
}
