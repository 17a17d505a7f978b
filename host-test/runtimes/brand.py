"""Simulated brands, created through the control API of the simulator."""

import json
import urllib.request

from connections import ConnectionCounter
from process import Process

ADA = "ada@example.org"


def call(url: str, body: object = None, method: str | None = None) -> dict:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, method=method)
    with urllib.request.urlopen(request, timeout=30) as response:
        content = response.read()
        return json.loads(content) if content else {}


class Simulator:
    def __init__(self, program: str, **options):
        self.process = Process([program, "simulate", "--control", "0"], **options)
        output = self.process.wait_for_output(r'"control":"(http://[^"]*)"')
        self.control = output[1]

    def brand(self) -> "Brand":
        scopes = [
            "manage:customer_data_requests",
            "manage:directory_contacts",
            "manage:erasure_requests",
            "read:directories",
            "read:directory_contacts",
            "read:users",
        ]
        person = {"first-name": "Ada", "emails": [ADA], "phone": "+12025550101", "responses": 2}
        return Brand(self.control, call(f"{self.control}/scenarios", {"brand": {"scopes": scopes, "people": [person]}}))

    def end(self) -> None:
        self.process.end()


class Brand:
    """A brand that holds data of one person."""

    def __init__(self, control: str, names: dict):
        self.url = control + names["scenario"]
        self.connections = ConnectionCounter(names["origin"])
        self.origin = self.connections.origin
        self.secret: str = names["client-secret"]
        self.settings = {
            "CONNECTOR_BASE_URL": self.origin,
            "CONNECTOR_DATACENTER_ID": "fra1",
            "CONNECTOR_CLIENT_ID": names["client-id"],
            "CONNECTOR_CLIENT_SECRET": self.secret,
        }

    def advance(self, seconds: float) -> None:
        call(self.url, {"advance": seconds})

    def calls(self, endpoint: str) -> int:
        return call(self.url)["calls"][endpoint]

    def holdings(self) -> dict:
        return call(self.url)["holdings"][ADA]
