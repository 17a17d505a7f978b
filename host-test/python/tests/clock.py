"""The clock of this process and that of a brand, advanced together."""

from __future__ import annotations

import asyncio
import time

import pytest

from .scenario import Brand


class Clock:
    """Replaces the waits of a follower. The brand's clock stands still otherwise."""

    def __init__(self, patch: pytest.MonkeyPatch, brand: Brand | None = None) -> None:
        self._brand = brand
        self.now_ns = time.time_ns()
        self.waits: list[float] = []
        patch.setattr(time, "time_ns", lambda: self.now_ns)
        patch.setattr(time, "time", lambda: self.now_ns / 1e9)
        patch.setattr(time, "sleep", self.advance)

        async def advance(seconds: float) -> None:
            await asyncio.to_thread(self.advance, seconds)

        patch.setattr(asyncio, "sleep", advance)

    def advance(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now_ns += int(seconds * 1e9)
        if self._brand:
            self._brand.change({"advance": seconds})
