"""What can go wrong, each as an exception of its own."""

from __future__ import annotations

from .contract import Error


class NotAPlugin(Exception):
    """The file is no connector that this host can load. The text says why, and what to do about it."""


class ConnectorError(Exception):
    """The connector answered with an error: data that a caller can act on, without personal data or secrets."""

    def __init__(self, error: Error) -> None:
        super().__init__(error.message)
        self.error = error


class CallLost(Exception):
    """The call ended without an answer of the contract: the instance trapped, or ran for too long.

    Whatever it was about to do may have been done. It counts as an error of the kind `outcome-unknown`: call again with
    `first_attempt_at`, the second in which the lost call was begun.
    """
