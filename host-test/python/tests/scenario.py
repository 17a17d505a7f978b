"""Runs a scenario: a simulated brand, a connector, and steps."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request as HttpRequest
from urllib.request import urlopen

from privacy_host import Connector, ConnectorError, DeletionMode, Error, Pending, Plugin, Progress, Request, Right, Task

from .canonical import parse_request, result_to_json, to_json
from .pattern import Json, mismatch

MAX_POLLS = 100
"""A request that is followed fails after so many polls."""

MEMBERS = {"about", "simulator", "settings", "request", "steps"}
ARGUMENTS = {
    "describe": set(),
    "configure": {"settings"},
    "check": {"rights"},
    "access": {"request", "requests", "follow", "stages"},
    "delete": {"request", "requests", "mode", "follow", "stages"},
    "opt-out": {"request", "requests", "follow", "stages"},
    "poll": {"ticket", "request", "follow", "stages", "tasks"},
    "read": {"reference", "offset", "limit"},
    "read-all": {"reference", "limit"},
}
"""The arguments of each call. Any other member of a step is an error: it would test nothing."""


class Failed(AssertionError):
    """A step has another result than the scenario expects."""


class Brand:
    """A simulated brand, seen through its control API."""

    def __init__(self, control: str, names: dict[str, str]) -> None:
        self.names = names
        self._url = control + names["scenario"]

    @classmethod
    def create(cls, control: str, simulator: Json) -> Brand:
        return cls(control, _send("POST", f"{control}/scenarios", simulator))

    def change(self, change: Json) -> None:
        _send("POST", self._url, change)

    def seen(self) -> Json:
        return _send("GET", self._url)

    @property
    def settings(self) -> dict[str, str]:
        """The settings of a connection to it."""
        client = {name: self.names[name] for name in ("client-id", "client-secret")}
        return {"datacenter-id": "fra1", "base-url": self.names["origin"], **client}

    def __enter__(self) -> Brand:
        return self

    def __exit__(self, *_: object) -> None:
        _send("DELETE", self._url)


class Scenario:
    """A scenario while it runs."""

    def __init__(self, plugin: Plugin, brand: Brand, vector: Json) -> None:
        self._plugin = plugin
        self._brand = brand
        self._placeholders = dict(brand.names)
        self._settings = _fill(vector.get("settings"), self._placeholders)
        self._request = _fill(vector.get("request"), self._placeholders)
        self._connector = self._new_instance()

    def run_step(self, template: Json) -> None:
        step: dict[str, Json] = _fill(template, self._placeholders)
        match step:
            case {"change": change, **rest} if not rest:
                self._brand.change(change)
            case {"seen": pattern, **rest} if not rest:
                _expect(pattern, self._brand.seen())
            case {"instance": "new", **rest} if not rest:
                self._connector.close()
                self._connector = self._new_instance()
            case {"call": function, "expect": pattern, **arguments}:
                self._run_call(function, pattern, arguments)
            case _:
                raise Failed("a step is one of change, seen, instance, and call with expect")

    def close(self) -> None:
        self._connector.close()

    def _new_instance(self) -> Connector:
        origins = [self._placeholders["origin"]] if self._plugin.guarded else None
        connector = Connector(self._plugin, origins)
        if self._settings is not None:
            connector.configure(self._settings)
        return connector

    def _run_call(self, function: str, pattern: Json, arguments: dict[str, Json]) -> None:
        remember = arguments.pop("remember", {})
        if unknown := arguments.keys() - ARGUMENTS[function]:
            raise Failed(f"{function} has no argument {unknown}")
        expected_stages = arguments.pop("stages", None)
        stages: list[str] = []
        result = self._call(function, arguments, stages)
        _expect(pattern, result)
        if expected_stages not in (None, stages):
            raise Failed(f"the stages are {stages} instead of {expected_stages}")
        for name, pointer in remember.items():
            self._placeholders[name] = _string_at(pointer, result)

    def _call(self, function: str, step: Json, stages: list[str]) -> Json:
        connector = self._connector
        match function:
            case "describe":
                return to_json(connector.describe())
            case "configure":
                return result_to_json(_result(lambda: connector.configure(step["settings"])))
            case "check":
                rights = [Right(word) for word in step["rights"]]
                return result_to_json(_result(lambda: connector.check(rights)))
            case "access" | "delete" | "opt-out":
                return self._start(function, step, stages)
            case "poll" if "tasks" in step:
                tasks = [Task(self._request_of(task), task["ticket"]) for task in step["tasks"]]
                return [result_to_json(result) for result in connector.poll(tasks)]
            case "poll":
                request = self._request_of(step)
                return self._follow(step, request, self._poll(request, step["ticket"]), stages)
            case "read":
                read = _result(lambda: connector.read(step["reference"], step["offset"], step["limit"]))
                return result_to_json(read)
            case "read-all":
                return self._read_all(step["reference"], step["limit"])
        raise Failed(f"there is no function {function}")

    def _start(self, function: str, step: Json, stages: list[str]) -> Json:
        """Calls a function that takes requests: with one request, the result is its element, otherwise the list."""
        several = "requests" in step
        if several and step.keys() & {"request", "follow"}:
            raise Failed("only a single request can be followed")
        requests = [parse_request(request) for request in step["requests"]] if several else [self._request_of(step)]
        match function:
            case "access":
                results = self._connector.access(requests)
            case "delete":
                results = self._connector.delete(requests, DeletionMode(step["mode"]))
            case _:
                results = self._connector.opt_out(requests)
        if several:
            return [result_to_json(result) for result in results]
        return self._follow(step, requests[0], results[0], stages)

    def _request_of(self, step: Json) -> Request:
        """The request of a step or task, or that of the whole scenario."""
        return parse_request(step.get("request") or self._request)

    def _poll(self, request: Request, ticket: str) -> Progress | Error:
        [result] = self._connector.poll([Task(request, ticket)])
        return result

    def _follow(self, step: Json, request: Request, result: Progress | Error, stages: list[str]) -> Json:
        """Follows a request to its final result, if the step says so, and collects its stages."""
        for _ in range(MAX_POLLS):
            if not step.get("follow") or not isinstance(result, Pending):
                return result_to_json(result)
            if stages[-1:] != [result.stage.value]:
                stages.append(result.stage.value)
            self._brand.change({"advance": result.poll_after_ms / 1000})
            result = self._poll(request, result.ticket)
        if not isinstance(result, Pending):
            return result_to_json(result)
        raise Failed(f"still pending after {MAX_POLLS} polls: {to_json(result)}")

    def _read_all(self, reference: str, limit: int) -> Json:
        data = b""
        while True:
            try:
                chunk = self._connector.read(reference, len(data), limit)
            except ConnectorError as error:
                return result_to_json(error.error)
            data += chunk.bytes
            if chunk.last:
                return {"ok": {"text": data.decode(errors="replace"), "size": len(data)}}


def run(control: str, plugin: Plugin, vector: Json) -> None:
    """Runs a scenario to its end, or to the first difference from what it expects."""
    if unknown := vector.keys() - MEMBERS:
        raise Failed(f"a scenario has no member {unknown}")
    with Brand.create(control, vector["simulator"]) as brand:
        scenario = Scenario(plugin, brand, vector)
        try:
            for number, step in enumerate(vector["steps"], 1):
                try:
                    scenario.run_step(step)
                except Exception as reason:
                    raise Failed(f"step {number}: {reason}") from reason
        finally:
            scenario.close()


def _result(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except ConnectorError as error:
        return error.error


def _expect(pattern: Json, value: Json) -> None:
    if difference := mismatch(pattern, value):
        raise Failed(f"{difference}\nwhole value: {json.dumps(value, indent=2)}")


def _string_at(pointer: str, value: Json) -> str:
    found = value
    for part in pointer.split("/")[1:]:
        found = found[int(part)] if isinstance(found, list) else found[part]
    assert isinstance(found, str), f"there is no string at {pointer}"
    return found


def _fill(value: Json, placeholders: dict[str, str]) -> Json:
    """The value with all placeholders replaced."""
    match value:
        case str():
            for name, text in placeholders.items():
                value = value.replace(f"{{{name}}}", text)
            return value
        case list():
            return [_fill(element, placeholders) for element in value]
        case dict():
            return {key: _fill(member, placeholders) for key, member in value.items()}
    return value


def _send(method: str, url: str, body: Json = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    try:
        with urlopen(HttpRequest(url, data, {"content-type": "application/json"}, method=method)) as response:
            content = response.read()
    except HTTPError as error:
        raise Failed(f"the simulator's control API returned {error.code}: {error.read().decode()}") from None
    return json.loads(content) if content else None
