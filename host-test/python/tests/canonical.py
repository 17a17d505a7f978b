"""JSON of the contract's values as scenarios expect it, and the requests that scenarios contain."""

from __future__ import annotations

import time
from typing import Any

from privacy_host import (
    Attempts,
    Email,
    Error,
    ExternalId,
    Identifier,
    Other,
    Pending,
    Phone,
    Report,
    Request,
    json_form,
)

from .pattern import Json


def to_json(value: Any) -> Json:
    """A value of the contract, spelled as in the WIT."""
    if isinstance(value, Pending):
        return {"pending": json_form.to_json(value)}
    if isinstance(value, Report):
        return {"done": json_form.to_json(value)}
    return json_form.to_json(value)


def result_to_json(value: Any) -> Json:
    """The result of a call."""
    return {"error" if isinstance(value, Error) else "ok": to_json(value)}


def parse_request(template: Json) -> Request:
    """A scenario's request."""
    unknown = template.keys() - {"id", "subject", "attempts", "attempts-ago", "overrides"}
    assert not unknown, f"a request has no member {unknown}"
    subject = [parse_identifier(variant) for variant in template["subject"]]
    return Request(template["id"], subject, parse_attempts(template), template.get("overrides", []))


def parse_attempts(request: Json) -> Attempts | None:
    """`attempts`, or `attempts-ago`: seconds before the machine's present, one number for both times or `[first, last]`."""
    if "attempts-ago" in request:
        ago = request["attempts-ago"]
        first, last = ago if isinstance(ago, list) else (ago, ago)
        now = int(time.time())
        return Attempts(now - first, now - last)
    attempts = request.get("attempts")
    return attempts and Attempts(attempts["first-at"], attempts["last-at"])


def parse_identifier(variant: Json) -> Identifier:
    [(case, value)] = variant.items()
    match case:
        case "email":
            return Email(value)
        case "phone":
            return Phone(value)
        case "external-id":
            return ExternalId(value)
        case "other":
            return Other(*value)
    raise ValueError(f"there is no identifier {case}")
