"""A host for privacy connectors: components that find and delete what a vendor's system holds about a person.

    plugin = Plugin.bundled()
    with Connector(plugin, origins=["https://fra1.qualtrics.com"]) as connector:
        connector.configure({"datacenter-id": "fra1", "client-id": "…", "client-secret": "…"})
        for update in connector.follow([Request("dsr-1", [Email("ada@example.org")])]):
            store(update.entry)
            if isinstance(update.event, Report):
                save(connector, update.event)
                update.confirm()

`Connector` has the calls, `AsyncConnector` has them for `asyncio`. The package is also a program: `python -m privacy_host`.
"""

from importlib.metadata import PackageNotFoundError, version

from .aio import AsyncConnector
from .connector import CHUNK_SIZE, Connector
from .contract import (
    Amount,
    Attempts,
    Capability,
    Chunk,
    Connection,
    Content,
    Count,
    DeletionMode,
    Document,
    Email,
    Error,
    ErrorKind,
    ExternalId,
    Finding,
    Gap,
    GiveUp,
    Identifier,
    Inline,
    Manifest,
    Operator,
    Other,
    Outcome,
    Pending,
    Permission,
    Phone,
    Present,
    Problem,
    Progress,
    RateLimit,
    Receipt,
    Remedy,
    Remote,
    Report,
    Request,
    Restart,
    Retry,
    Right,
    Setting,
    SettingField,
    SettingKind,
    SourceState,
    Stage,
    Task,
    Unknown,
    VendorJob,
)
from .entry import End, Entry, Operation
from .errors import CallLost, ConnectorError, NotAPlugin, unwrap
from .follow import AsyncFollower, Completed, Event, Follower, Starting, Update
from .json_form import from_json, to_json
from .plugin import Limits, Plugin

try:
    __version__ = version("privacy-host")
except PackageNotFoundError:
    # A copy of the folder that was not installed.
    __version__ = "unknown"

__all__ = [
    "CHUNK_SIZE",
    "Amount",
    "AsyncConnector",
    "AsyncFollower",
    "Attempts",
    "CallLost",
    "Capability",
    "Chunk",
    "Completed",
    "Connection",
    "Connector",
    "ConnectorError",
    "Content",
    "Count",
    "DeletionMode",
    "Document",
    "Email",
    "End",
    "Entry",
    "Error",
    "ErrorKind",
    "Event",
    "ExternalId",
    "Finding",
    "Follower",
    "Gap",
    "GiveUp",
    "Identifier",
    "Inline",
    "Limits",
    "Manifest",
    "NotAPlugin",
    "Operation",
    "Operator",
    "Other",
    "Outcome",
    "Pending",
    "Permission",
    "Phone",
    "Plugin",
    "Present",
    "Problem",
    "Progress",
    "RateLimit",
    "Receipt",
    "Remedy",
    "Remote",
    "Report",
    "Request",
    "Restart",
    "Retry",
    "Right",
    "Setting",
    "SettingField",
    "SettingKind",
    "SourceState",
    "Stage",
    "Starting",
    "Task",
    "Unknown",
    "Update",
    "VendorJob",
    "from_json",
    "to_json",
    "unwrap",
]
