"""The records of `privacy:connector/connector`, as Python's own.

Names are those of `wit/connector.wit`, which says what each of them means, with underscores for hyphens. A case of a
variant that carries something is a class of its own; what a variant can be is a union of classes, made for `match`.
Values that are personal data or bytes are left out of what `repr` shows, so that logs stay clean of them.
"""

from __future__ import annotations

import builtins
from dataclasses import dataclass, field
from enum import Enum


class Case:
    """A case of a variant. Its fields are what it carries."""


class Right(Enum):
    ACCESS = "access"
    DELETION = "deletion"


class DeletionMode(Enum):
    PREVIEW = "preview"
    ERASE = "erase"
    ERASE_AND_VERIFY = "erase-and-verify"


class Stage(Enum):
    RESOLVING = "resolving"
    SEARCHING = "searching"
    EXPORTING = "exporting"
    GATHERING = "gathering"
    ERASING = "erasing"
    VERIFYING = "verifying"


class Outcome(Enum):
    FOUND = "found"
    NOTHING_FOUND = "nothing-found"
    PARTIAL = "partial"
    PREVIEWED = "previewed"
    SUBMITTED = "submitted"
    ERASED = "erased"
    VERIFIED = "verified"
    RESIDUE = "residue"
    REFUSED = "refused"
    FAILED = "failed"


class SourceState(Enum):
    SEARCHED = "searched"
    NOT_AVAILABLE = "not-available"
    NOT_PERMITTED = "not-permitted"
    NOT_USABLE = "not-usable"
    GUARDED = "guarded"


class ErrorKind(Enum):
    NOT_CONFIGURED = "not-configured"
    INVALID_SETTINGS = "invalid-settings"
    INVALID_REQUEST = "invalid-request"
    INVALID_TICKET = "invalid-ticket"
    UNSUPPORTED = "unsupported"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    RATE_LIMITED = "rate-limited"
    UNAVAILABLE = "unavailable"
    OUTCOME_UNKNOWN = "outcome-unknown"
    UNKNOWN_JOB = "unknown-job"
    PROTOCOL = "protocol"


class SettingKind(Enum):
    TEXT = "text"
    SECRET = "secret"
    CHOICE = "choice"
    FLAG = "flag"
    NUMBER = "number"
    ORIGIN = "origin"


# Requests


@dataclass(frozen=True)
class Email(Case):
    value: str = field(repr=False)


@dataclass(frozen=True)
class Phone(Case):
    value: str = field(repr=False)


@dataclass(frozen=True)
class ExternalReference(Case):
    value: str = field(repr=False)


@dataclass(frozen=True)
class Other(Case):
    kind: str
    value: str = field(repr=False)


Identifier = Email | Phone | ExternalReference | Other


@dataclass(frozen=True)
class Setting:
    key: str
    value: str = field(repr=False)


@dataclass(frozen=True)
class Request:
    key: str
    subject: list[Identifier]
    first_attempt_at: int | None = None
    confirmed: list[str] = field(default_factory=list)
    extra: list[Setting] = field(default_factory=list)

    def __post_init__(self) -> None:
        # The package `wasmtime` cuts off what does not fit.
        if self.first_attempt_at is not None and not 0 <= self.first_attempt_at < 1 << 64:
            raise ValueError("first_attempt_at is in whole seconds since 1970")


@dataclass(frozen=True)
class Task:
    request: Request
    ticket: str


# Errors


@dataclass(frozen=True)
class Retry(Case):
    after_ms: int


@dataclass(frozen=True)
class Restart(Case):
    pass


@dataclass(frozen=True)
class Operator(Case):
    pass


@dataclass(frozen=True)
class GiveUp(Case):
    pass


Remedy = Retry | Restart | Operator | GiveUp


@dataclass(frozen=True)
class Problem:
    code: str
    subject: str
    blocks: list[Right]
    message: str


@dataclass(frozen=True)
class Error:
    kind: ErrorKind
    remedy: Remedy
    message: str
    problems: list[Problem]
    http_status: int | None
    vendor_code: str | None
    vendor_request_id: str | None
    extra: list[Setting]


# How requests stand


@dataclass(frozen=True)
class Pending:
    ticket: str
    stage: Stage
    poll_after_ms: int
    submitted_at: int | None
    vendor_status: str | None
    percent: int | None
    attention: Problem | None
    extra: list[Setting]


@dataclass(frozen=True)
class Nothing(Case):
    pass


@dataclass(frozen=True)
class Exactly(Case):
    count: int


@dataclass(frozen=True)
class SomeData(Case):
    pass


@dataclass(frozen=True)
class Unknown(Case):
    pass


Amount = Nothing | Exactly | SomeData | Unknown


@dataclass(frozen=True)
class Finding:
    source: str
    state: SourceState
    amount: Amount
    names: list[int]
    code: str | None
    note: str | None


@dataclass(frozen=True)
class Inline(Case):
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class Remote(Case):
    reference: str


Content = Inline | Remote


@dataclass(frozen=True)
class Document:
    name: str
    media_type: str
    source: str
    size: int | None
    content: Content


@dataclass(frozen=True)
class Chunk:
    bytes: builtins.bytes = field(repr=False)
    last: bool


@dataclass(frozen=True)
class Gap:
    code: str
    description: str
    advice: str


@dataclass(frozen=True)
class VendorJob:
    operation: str
    id: str
    status: str
    created: str | None
    updated: str | None
    failure: str | None


@dataclass(frozen=True)
class Receipt:
    connector: str
    request_key: str
    mode: DeletionMode | None
    jobs: list[VendorJob]
    submitted_at: int | None
    finished_at: int


@dataclass(frozen=True)
class Report:
    right: Right
    outcome: Outcome
    findings: list[Finding]
    documents: list[Document]
    also_known_as: list[Identifier]
    gaps: list[Gap]
    receipt: Receipt
    ticket: str | None
    extra: list[Setting]


Progress = Pending | Report


# What a connector is, and what it is connected to


@dataclass(frozen=True)
class Capability:
    right: Right
    asynchronous: bool
    whole_record: bool
    identifiers: list[str]
    overdue_after_ms: int


@dataclass(frozen=True)
class SettingField:
    key: str
    label: str
    help: str
    kind: SettingKind
    required: bool
    default: str | None
    choices: list[tuple[str, str]]


@dataclass(frozen=True)
class Permission:
    name: str
    needed_for: list[Right]


@dataclass(frozen=True)
class RateLimit:
    name: str
    methods: list[str]
    path_prefix: str
    calls_per_minute: int


@dataclass(frozen=True)
class Manifest:
    name: str
    title: str
    version: str
    capabilities: list[Capability]
    settings: list[SettingField]
    permissions: list[Permission]
    limits: list[RateLimit]
    egress: list[str]
    gaps: list[Gap]
    extra: list[Setting]


@dataclass(frozen=True)
class Connection:
    tenant: str
    region: str
    account: str
    role: str
    granted: list[str]
    egress: list[str]
    warnings: list[Problem]
    extra: list[Setting]


# The cases of each variant, by their names in the contract. A record that is all that a case carries stands for it.

CASES: dict[object, dict[str, type]] = {
    Identifier: {"email": Email, "phone": Phone, "external-reference": ExternalReference, "other": Other},
    Remedy: {"retry": Retry, "restart": Restart, "operator": Operator, "give-up": GiveUp},
    Amount: {"nothing": Nothing, "exactly": Exactly, "some-data": SomeData, "unknown": Unknown},
    Content: {"inline": Inline, "remote": Remote},
    Progress: {"pending": Pending, "done": Report},
}
