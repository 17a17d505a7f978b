"""The exceptions of this package."""

from __future__ import annotations

from .contract import Error, Progress


class NotAPlugin(Exception):
    """The file is not a connector that this host can load. The message says why, and what to do about it."""


class ConnectorError(Exception):
    """A function of the connector returned an error, which is in `error`. It contains no personal data and no secret."""

    def __init__(self, error: Error) -> None:
        super().__init__(error.message)
        self.error = error


class CallLost(Exception):
    """The call ended without a result of the contract: the instance trapped or ran for too long.

    If the call was `delete`, every request of it counts as `outcome-unknown`: repeat them with `Request.attempted` and the
    second in which the lost call was made. All other calls are safe to repeat as they are.
    """


def unwrap(result: Progress | Error) -> Progress:
    """The progress of one request. Raises `ConnectorError` if the result is an error."""
    if isinstance(result, Error):
        raise ConnectorError(result)
    return result
