"""The types of `privacy:connector/connector@0.2.0`, as dataclasses.

`wit/connector.wit` is the specification. Names are the same in Python's spelling: `poll_after_ms` for `poll-after-ms`. A
case of a variant is a class; the variant is the union of its cases, for use with `match`. Personal data, secrets and
bytes are left out of `repr`.
"""

from __future__ import annotations

import builtins
from dataclasses import dataclass, field, replace
from enum import Enum


class Case:
    """A case of a variant. Its fields are its payload."""


class Right(Enum):
    """A privacy right."""

    ACCESS = "access"
    DELETION = "deletion"
    OPT_OUT = "opt-out"


class DeletionMode(Enum):
    """How far a deletion goes. `PREVIEW` deletes nothing."""

    PREVIEW = "preview"
    ERASE = "erase"
    ERASE_AND_VERIFY = "erase-and-verify"


class Stage(Enum):
    """The phases of a request, in order."""

    SEARCHING = "searching"
    EXPORTING = "exporting"
    COLLECTING = "collecting"
    DELETING = "deleting"
    OPTING_OUT = "opting-out"
    VERIFYING = "verifying"


class Outcome(Enum):
    """How a request ended."""

    FOUND = "found"
    NOT_FOUND = "not-found"
    PARTIAL = "partial"
    PREVIEWED = "previewed"
    SUBMITTED = "submitted"
    DELETED = "deleted"
    VERIFIED = "verified"
    DATA_REMAINING = "data-remaining"
    OPTED_OUT = "opted-out"
    REFUSED = "refused"
    FAILED = "failed"


class SourceState(Enum):
    """Whether a source was searched, and if not, why."""

    SEARCHED = "searched"
    UNAVAILABLE = "unavailable"
    NOT_PERMITTED = "not-permitted"
    NOT_USABLE = "not-usable"
    GUARDED = "guarded"


class ErrorKind(Enum):
    """The kind of an error."""

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
    JOB_NOT_FOUND = "job-not-found"
    UNEXPECTED_RESPONSE = "unexpected-response"


class SettingKind(Enum):
    """The type of a setting's value."""

    TEXT = "text"
    SECRET = "secret"
    CHOICE = "choice"
    FLAG = "flag"
    NUMBER = "number"
    ORIGIN = "origin"


# Requests


@dataclass(frozen=True)
class Email(Case):
    """An e-mail address."""

    value: str = field(repr=False)


@dataclass(frozen=True)
class Phone(Case):
    """A telephone number in E.164 format."""

    value: str = field(repr=False)


@dataclass(frozen=True)
class ExternalId(Case):
    """The customer's own ID of the person."""

    value: str = field(repr=False)


@dataclass(frozen=True)
class Other(Case):
    """Any other kind of identifier."""

    kind: str
    value: str = field(repr=False)


Identifier = Email | Phone | ExternalId | Other


@dataclass(frozen=True)
class Setting:
    """A key and its value."""

    key: str
    value: str = field(repr=False)


@dataclass(frozen=True)
class Attempts:
    """When attempts at a deletion were started, in seconds since the Unix epoch."""

    first_at: int
    last_at: int

    def __post_init__(self) -> None:
        # The package `wasmtime` truncates larger numbers silently.
        if not all(0 <= second < 1 << 64 for second in (self.first_at, self.last_at)):
            raise ValueError("attempts are in whole seconds since the Unix epoch")


@dataclass(frozen=True)
class Request:
    """A data subject request."""

    id: str
    subject: list[Identifier]
    attempts: Attempts | None = None
    overrides: list[str] = field(default_factory=list)

    def attempted(self, at: int) -> Request:
        """The request as it must be repeated after an attempt at this second whose outcome is unknown."""
        first_at = self.attempts.first_at if self.attempts else at
        return replace(self, attempts=Attempts(first_at, at))


@dataclass(frozen=True)
class Task:
    """A request in progress, and its latest ticket."""

    request: Request
    ticket: str


# Errors


@dataclass(frozen=True)
class Retry(Case):
    """Repeat the call after at least this many milliseconds."""

    after_ms: int


@dataclass(frozen=True)
class Restart(Case):
    """The ticket or reference is spent: start the request again."""


@dataclass(frozen=True)
class Operator(Case):
    """An operator must change something first."""


@dataclass(frozen=True)
class GiveUp(Case):
    """No retry will help."""


Remedy = Retry | Restart | Operator | GiveUp


@dataclass(frozen=True)
class Problem:
    """One cause of an error, or one warning."""

    code: str
    target: str
    affects: list[Right]
    message: str


@dataclass(frozen=True)
class Error:
    """An error, without personal data or secrets."""

    kind: ErrorKind
    remedy: Remedy
    message: str
    problems: list[Problem]
    http_status: int | None
    vendor_code: str | None
    vendor_request_id: str | None


# Progress and reports


@dataclass(frozen=True)
class Pending:
    """Work in progress at the vendor. Requests with the same `group` are best polled in one call."""

    ticket: str
    stage: Stage
    poll_after_ms: int
    group: str | None
    submitted_at: int | None
    vendor_status: str | None
    percent: int | None
    attention: Problem | None


@dataclass(frozen=True)
class Unknown(Case):
    """The source does not say whether it holds data."""


@dataclass(frozen=True)
class Present(Case):
    """Some data, but the source does not say how much."""


@dataclass(frozen=True)
class Count(Case):
    """So many records."""

    value: int


Amount = Unknown | Present | Count


@dataclass(frozen=True)
class Finding:
    """What one source reported about some identifiers, which are indices into `Request.subject`."""

    source: str
    state: SourceState
    amount: Amount
    identifiers: list[int]
    code: str | None
    note: str | None


@dataclass(frozen=True)
class Inline(Case):
    """The bytes of a document."""

    data: bytes = field(repr=False)


@dataclass(frozen=True)
class Remote(Case):
    """A reference to a document, for `Connector.read`."""

    reference: str


Content = Inline | Remote


@dataclass(frozen=True)
class Document:
    """A document returned for an access request."""

    name: str
    media_type: str
    source: str
    size: int | None
    content: Content


@dataclass(frozen=True)
class Chunk:
    """A piece of a remote document, and whether it is the last."""

    bytes: builtins.bytes = field(repr=False)
    last: bool


@dataclass(frozen=True)
class Gap:
    """Data that the given rights do not reach, and what to do about it."""

    code: str
    rights: list[Right]
    description: str
    advice: str


@dataclass(frozen=True)
class VendorJob:
    """A job at the vendor."""

    operation: str
    id: str
    status: str
    created: str | None
    updated: str | None
    identifiers: int | None
    failure: str | None


@dataclass(frozen=True)
class Receipt:
    """Evidence of what was done, for the audit trail. It contains no personal data."""

    connector: str
    request_id: str
    mode: DeletionMode | None
    jobs: list[VendorJob]
    submitted_at: int | None
    finished_at: int


@dataclass(frozen=True)
class Report:
    """The final result of a request."""

    right: Right
    outcome: Outcome
    findings: list[Finding]
    documents: list[Document]
    discovered: list[Identifier]
    gaps: list[Gap]
    receipt: Receipt
    ticket: str | None


Progress = Pending | Report


# The manifest and the connection


@dataclass(frozen=True)
class Capability:
    """How a connector supports a right."""

    right: Right
    asynchronous: bool
    whole_record: bool
    identifiers: list[str]
    group_size: int
    overdue_after_ms: int


@dataclass(frozen=True)
class SettingField:
    """A field of the connection's set-up form."""

    key: str
    label: str
    help: str
    kind: SettingKind
    required: bool
    default: str | None
    choices: list[tuple[str, str]]


@dataclass(frozen=True)
class Permission:
    """A permission that an administrator grants at the vendor."""

    name: str
    required_for: list[Right]
    optional_for: list[Right]


@dataclass(frozen=True)
class RateLimit:
    """A rate limit that the vendor applies to the whole tenant."""

    name: str
    methods: list[str]
    path: str
    calls_per_minute: int


@dataclass(frozen=True)
class Manifest:
    """What a connector is and needs."""

    name: str
    title: str
    version: str
    capabilities: list[Capability]
    settings: list[SettingField]
    permissions: list[Permission]
    limits: list[RateLimit]
    egress: list[str]
    gaps: list[Gap]


@dataclass(frozen=True)
class Connection:
    """The result of `Connector.check`."""

    tenant: str
    region: str
    account: str
    role: str
    granted: list[str]
    egress: list[str]
    warnings: list[Problem]


CASES: dict[object, dict[str, type]] = {
    Identifier: {"email": Email, "phone": Phone, "external-id": ExternalId, "other": Other},
    Remedy: {"retry": Retry, "restart": Restart, "operator": Operator, "give-up": GiveUp},
    Amount: {"unknown": Unknown, "present": Present, "count": Count},
    Content: {"inline": Inline, "remote": Remote},
    Progress: {"pending": Pending, "done": Report},
}
"""The cases of each variant by their names in the contract. A case whose payload is one record is that record."""
