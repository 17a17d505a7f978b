"""One scenario: a brand, a connector, and steps."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request as HttpRequest
from urllib.request import urlopen

from privacy_host import Connector, ConnectorError, DeletionMode, Error, Pending, Plugin, Progress, Request, Right, Task

from .canonical import canonical, request, result
from .pattern import Json, mismatch

MOST_POLLS = 100
"""After so many looks a request that is followed has no end."""

MEMBERS = {"about", "simulator", "settings", "request", "steps"}
ARGUMENTS = {
    "describe": set(),
    "configure": {"settings"},
    "check": {"rights"},
    "access": {"request", "follow", "stages"},
    "delete": {"request", "mode", "follow", "stages"},
    "poll": {"ticket", "request", "follow", "stages", "tasks"},
    "read": {"reference", "offset", "limit"},
    "read-all": {"reference", "limit"},
}


class Failed(AssertionError):
    """The scenario did not take its course."""


class Brand:
    """A simulated brand, by its control."""

    def __init__(self, control: str, names: dict[str, str]) -> None:
        self.names = names
        self._url = control + names["scenario"]

    @classmethod
    def order(cls, control: str, simulator: Json) -> Brand:
        """Starts one."""
        return cls(control, _ask("POST", f"{control}/scenarios", simulator))

    def change(self, change: Json) -> None:
        _ask("POST", self._url, change)

    def seen(self) -> Json:
        return _ask("GET", self._url)

    @property
    def settings(self) -> dict[str, str]:
        """What a connector needs to be connected to it."""
        given = {name: self.names[name] for name in ("client-id", "client-secret")}
        return {"datacenter-id": "fra1", "base-url": self.names["origin"], **given}

    def __enter__(self) -> Brand:
        return self

    def __exit__(self, *_: object) -> None:
        _ask("DELETE", self._url)


class Scenario:
    """A scenario while it runs."""

    def __init__(self, plugin: Plugin, brand: Brand, vector: Json) -> None:
        self._plugin = plugin
        self._brand = brand
        self._names = dict(brand.names)
        self._settings = _filled(vector.get("settings"), self._names)
        self._request = _filled(vector.get("request"), self._names)
        self._connector = self._connected()

    def take(self, step: Json) -> None:
        """Does what the step says, and holds what comes of it to what the step expects."""
        filled: dict[str, Json] = _filled(step, self._names)
        match filled:
            case {"change": change, **rest} if not rest:
                self._brand.change(change)
            case {"seen": pattern, **rest} if not rest:
                _told(pattern, self._brand.seen())
            case {"instance": "new", **rest} if not rest:
                self._connector.close()
                self._connector = self._connected()
            case {"call": call, "expect": pattern, **arguments}:
                remembered = arguments.pop("remember", {})
                if unknown := arguments.keys() - ARGUMENTS[call]:
                    raise Failed(f"{call} knows no {unknown}")
                expected_stages = arguments.pop("stages", None)
                stages: list[str] = []
                came = self._call(call, arguments, stages)
                _told(pattern, came)
                if expected_stages not in (None, stages):
                    raise Failed(f"expected the stages {expected_stages}, came {stages}")
                for name, pointer in remembered.items():
                    self._names[name] = _text_at(pointer, came)
            case _:
                raise Failed("a step is one of change, seen, instance, and call with expect")

    def close(self) -> None:
        self._connector.close()

    def _connected(self) -> Connector:
        # What the settings refer to and what egress is limited to is the same: the brand's origin.
        origins = [self._names["origin"]] if self._plugin.guarded else None
        connector = Connector(self._plugin, origins)
        if self._settings is not None:
            connector.configure(self._settings)
        return connector

    def _call(self, name: str, step: Json, stages: list[str]) -> Json:
        connector = self._connector
        match name:
            case "describe":
                return canonical(connector.describe())
            case "configure":
                return result(_answered(lambda: connector.configure(step["settings"])))
            case "check":
                rights = [Right(word) for word in step["rights"]]
                return result(_answered(lambda: connector.check(rights)))
            case "poll" if "tasks" in step:
                tasks = [Task(self._asked(task), task["ticket"]) for task in step["tasks"]]
                return [result(answer) for answer in connector.poll(tasks)]
            case "access" | "delete" | "poll":
                asked = self._asked(step)
                match name:
                    case "access":
                        answer = _answered(lambda: connector.access(asked))
                    case "delete":
                        answer = _answered(lambda: connector.delete(asked, DeletionMode(step["mode"])))
                    case _:
                        answer = self._poll(asked, step["ticket"])
                return result(self._followed(asked, answer, stages) if step.get("follow") else answer)
            case "read":
                return result(_answered(lambda: connector.read(step["reference"], step["offset"], step["limit"])))
            case "read-all":
                return self._read_all(step["reference"], step["limit"])
        raise Failed(f"there is no call {name}")

    def _asked(self, step: Json) -> Request:
        return request(step.get("request") or self._request)

    def _poll(self, asked: Request, ticket: str) -> Progress | Error:
        [answer] = self._connector.poll([Task(asked, ticket)])
        return answer

    def _followed(self, asked: Request, answer: Progress | Error, stages: list[str]) -> Progress | Error:
        """The last word on a request, and the stages that it takes."""
        for _ in range(MOST_POLLS):
            if not isinstance(answer, Pending):
                return answer
            if stages[-1:] != [answer.stage.value]:
                stages.append(answer.stage.value)
            self._brand.change({"advance": answer.poll_after_ms / 1000})
            answer = self._poll(asked, answer.ticket)
        raise Failed(f"{MOST_POLLS} polls, and no last word: {canonical(answer)}")

    def _read_all(self, reference: str, limit: int) -> Json:
        read = b""
        while True:
            try:
                chunk = self._connector.read(reference, len(read), limit)
            except ConnectorError as error:
                return result(error.error)
            read += chunk.bytes
            if chunk.last:
                return {"ok": {"text": read.decode(errors="replace"), "size": len(read)}}


def run(control: str, plugin: Plugin, vector: Json) -> None:
    """Runs a scenario to its end, or to the first thing that is not as it expects."""
    if unknown := vector.keys() - MEMBERS:
        raise Failed(f"nobody knows {unknown}")
    with Brand.order(control, vector["simulator"]) as brand:
        scenario = Scenario(plugin, brand, vector)
        try:
            for number, step in enumerate(vector["steps"], 1):
                try:
                    scenario.take(step)
                except Exception as reason:
                    raise Failed(f"step {number}: {reason}") from reason
        finally:
            scenario.close()


def _answered(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except ConnectorError as error:
        return error.error


def _told(pattern: Json, value: Json) -> None:
    if difference := mismatch(pattern, value):
        raise Failed(f"{difference}\nwhole: {json.dumps(value, indent=2)}")


def _text_at(pointer: str, value: Json) -> str:
    found = value
    for part in pointer.split("/")[1:]:
        found = found[int(part)] if isinstance(found, list) else found[part]
    assert isinstance(found, str), f"there is no text at {pointer}"
    return found


def _filled(value: Json, names: dict[str, str]) -> Json:
    """The same with what the names stand for in their places."""
    match value:
        case str():
            for name, text in names.items():
                value = value.replace(f"{{{name}}}", text)
            return value
        case list():
            return [_filled(element, names) for element in value]
        case dict():
            return {key: _filled(member, names) for key, member in value.items()}
    return value


def _ask(method: str, url: str, body: Json = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    try:
        with urlopen(HttpRequest(url, data, {"content-type": "application/json"}, method=method)) as response:
            answer = response.read()
    except HTTPError as refused:
        raise Failed(f"the simulator's control answers {refused.code}: {refused.read().decode()}") from None
    return json.loads(answer) if answer else None
