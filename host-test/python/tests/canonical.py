"""The contract's values as JSON, and the reverse for what scenarios ask with."""

from __future__ import annotations

import time
from typing import Any

from wasmtime.component import Record, Variant

from privacy_host import Email, Error, ExternalReference, Identifier, Other, Pending, Phone, Report, Request
from privacy_host.values import lowered

from .pattern import Json


def canonical(value: Any) -> Json:
    """A value of the contract as JSON, spelled as in the WIT."""
    if isinstance(value, Pending):
        return {"pending": _json(lowered(value))}
    if isinstance(value, Report):
        return {"done": _json(lowered(value))}
    return _json(lowered(value))


def result(value: Any) -> Json:
    """What a call answers, as JSON."""
    return {"error" if isinstance(value, Error) else "ok": canonical(value)}


def request(asked: Json) -> Request:
    """A scenario's request. `first-attempt-ago` counts from now."""
    unknown = asked.keys() - {"key", "subject", "first-attempt-at", "first-attempt-ago", "confirmed"}
    assert not unknown, f"nobody knows {unknown}"
    first_attempt_at = asked.get("first-attempt-at")
    if first_attempt_at is None and "first-attempt-ago" in asked:
        first_attempt_at = int(time.time()) - asked["first-attempt-ago"]
    subject = [identifier(variant) for variant in asked["subject"]]
    return Request(asked["key"], subject, first_attempt_at, asked.get("confirmed", []))


def identifier(variant: Json) -> Identifier:
    [(case, value)] = variant.items()
    match case:
        case "email":
            return Email(value)
        case "phone":
            return Phone(value)
        case "external-reference":
            return ExternalReference(value)
        case "other":
            return Other(*value)
    raise ValueError(f"there is no identifier {case}")


def _json(value: Any) -> Json:
    if isinstance(value, Record):
        return {name: _json(member) for name, member in vars(value).items()}
    if isinstance(value, Variant):
        return value.tag if value.payload is None else {value.tag: _json(value.payload)}
    if isinstance(value, (list, tuple)):
        return [_json(element) for element in value]
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return value
