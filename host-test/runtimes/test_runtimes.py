"""The gateway's file, unchanged, in the runtimes that users deploy it to: one walk through its functions in each."""

import hashlib
import json
import os
import tempfile
import time
import unittest
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import runtimes
from brand import ADA, Brand, Simulator
from process import Process
from runtimes import Deployment, Gateway

PROGRAM = os.environ["PRIVACY"]
TOKEN = "the token of the callers"
REQUEST = {"id": "dsr-1", "subject": [{"email": ADA}]}
MAX_POLLS = 100
# One for what is required, and one for the optional permission.
TOKENS = 2


@dataclass(frozen=True)
class Runtime:
    """A runtime, and what is expected of it."""

    name: str
    # The command that prints its version, and what it prints. The packages that carry the programs have other versions.
    version_command: list
    version: str
    # The version of `wasi:http` that it serves.
    wasi: str
    start: Callable[[Deployment], Gateway]
    # Whether an instance serves several requests in sequence, so that its access token is used again.
    reuses_instances: bool
    # Whether it can restrict the origins that a component reaches. The egress guard inside does so in each of them.
    restricts_egress: bool


RUNTIMES = [
    Runtime(
        "wasmtime serve, as in kubernetes.yaml",
        [runtimes.WASMTIME, "--version"],
        "wasmtime 49.0.3",
        "0.2",
        runtimes.wasmtime_serve,
        reuses_instances=True,
        restricts_egress=False,
    ),
    Runtime(
        "wasmtime serve, by default",
        [runtimes.WASMTIME, "--version"],
        "wasmtime 49.0.3",
        "0.2",
        runtimes.wasmtime_serve_by_default,
        reuses_instances=False,
        restricts_egress=False,
    ),
    Runtime(
        "wasmtime serve, by default",
        [runtimes.WASMTIME, "--version"],
        "wasmtime 49.0.3",
        "0.3",
        runtimes.wasmtime_serve_by_default,
        reuses_instances=True,
        restricts_egress=False,
    ),
    Runtime(
        "wash dev, as in wash.yaml",
        [runtimes.WASH, "--version"],
        "wash 2.10.3",
        "0.2",
        runtimes.wash_dev,
        reuses_instances=False,
        restricts_egress=True,
    ),
    Runtime(
        "wash host, as in wasmcloud.yaml",
        [runtimes.WASH, "--version"],
        "wash 2.10.3",
        "0.2",
        runtimes.wash_host,
        reuses_instances=False,
        restricts_egress=True,
    ),
    Runtime(
        "wash host, as in wasmcloud.yaml",
        [runtimes.WASH, "--version"],
        "wash 2.10.3",
        "0.3",
        runtimes.wash_host,
        reuses_instances=True,
        restricts_egress=True,
    ),
    Runtime(
        "jco serve",
        ["node", runtimes.JCO, "--version"],
        "1.35.0",
        "0.2",
        runtimes.jco_serve,
        reuses_instances=False,
        restricts_egress=False,
    ),
]


class Client:
    """A client of a gateway, which counts its requests."""

    def __init__(self, gateway: Gateway):
        self.gateway = gateway
        self.requests = 0

    def send(self, path: str, body: object = None, token: str | None = TOKEN) -> tuple[int, bytes]:
        headers = {"Content-Type": "application/json"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        if self.gateway.host is not None:
            headers["Host"] = self.gateway.host
        data = None if body is None else json.dumps(body).encode()
        self.requests += 1
        request = urllib.request.Request(self.gateway.address + path, data, headers)
        try:
            with urllib.request.urlopen(request, timeout=120) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    def result(self, path: str, body: object) -> dict:
        """The result of the only request of a call."""
        status, content = self.send(path, body)
        assert status == 200, (path, status, content)
        [result] = json.loads(content)["results"]
        return result

    def complete(self, brand: Brand, path: str, body: object) -> dict:
        """Starts a request and polls it until it is done, in the time of the brand."""
        result = self.result(path, body)
        for _ in range(MAX_POLLS):
            progress = result.get("ok")
            assert progress is not None, result
            if "done" in progress:
                return progress["done"]
            brand.advance(progress["pending"]["poll-after-ms"] / 1000)
            task = {"request": REQUEST, "ticket": progress["pending"]["ticket"]}
            result = self.result("/polls", {"tasks": [task]})
        raise AssertionError("still pending")


class RuntimesTest(unittest.TestCase):
    rows: list[list[str]] = []

    @classmethod
    def setUpClass(cls) -> None:
        scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(scratch.cleanup)
        cls.files = {}
        for wasi in {runtime.wasi for runtime in RUNTIMES}:
            cls.files[wasi] = Path(scratch.name) / f"gateway-{wasi}.wasm"
            written = Process([PROGRAM, "component", "--gateway", "--wasi", wasi, "--out", cls.files[wasi]])
            assert written.process.wait() == 0, written.output()
            written.end()
        cls.simulator = Simulator(PROGRAM)
        cls.addClassCleanup(cls.simulator.end)

    @classmethod
    def tearDownClass(cls) -> None:
        header = ["runtime", "version", "wasi:http", "reuses instances", "requests", "token calls", "connections", "denies egress", "seconds"]
        for row in [header, ["---"] * len(header), *cls.rows]:
            print("| " + " | ".join(row) + " |")

    def brand(self) -> Brand:
        brand = self.simulator.brand()
        self.addCleanup(brand.connections.end)
        return brand

    def deployment(
        self, runtime: Runtime, brand: Brand, origins: str | None = None, allowed: str | None = None
    ) -> Deployment:
        variables = {
            "GATEWAY_TOKEN_SHA256": hashlib.sha256(TOKEN.encode()).hexdigest(),
            "EGRESS_ORIGINS": origins or brand.origin,
            **brand.settings,
        }
        return Deployment(self.files[runtime.wasi], variables, [allowed or brand.origin])

    def start(self, runtime: Runtime, deployment: Deployment) -> Client:
        gateway = runtime.start(deployment)
        self.addCleanup(gateway.end)
        return Client(gateway)

    def test_each_runtime_serves_every_function(self) -> None:
        for runtime in RUNTIMES:
            with self.subTest(runtime.name, wasi=runtime.wasi):
                started = time.monotonic()
                printed = runtimes.version(runtime.version_command)
                self.assertIn(runtime.version, [printed, printed.split(" (")[0]])
                brand = self.brand()
                client = self.start(runtime, self.deployment(runtime, brand))
                self.walk(client, brand)
                self.assert_keeps_secrets(client.gateway, brand)
                tokens, connections = brand.calls("token"), brand.connections.count
                self.assertEqual(tokens == TOKENS, runtime.reuses_instances, f"{tokens} token calls")
                client.gateway.end()
                self.assert_denies_egress(runtime)
                self.rows.append(
                    [
                        runtime.name,
                        runtime.version,
                        runtime.wasi,
                        "yes" if runtime.reuses_instances else "no",
                        str(client.requests),
                        str(tokens),
                        str(connections),
                        "runtime and egress guard" if runtime.restricts_egress else "egress guard",
                        f"{time.monotonic() - started:.0f}",
                    ]
                )

    def walk(self, client: Client, brand: Brand) -> None:
        """Who is asking, what the gateway is, the connection, and each right."""
        self.assertEqual(client.send("/manifest", token=None)[0], 401)
        self.assertEqual(client.send("/manifest", token="another token")[0], 401)
        status, manifest = client.send("/manifest")
        self.assertEqual((status, json.loads(manifest)["name"]), (200, "qualtrics"))
        status, connection = client.send("/checks", {"rights": ["access", "deletion", "opt-out"]})
        self.assertEqual((status, json.loads(connection)["tenant"]), (200, "examplebrand"))

        report = client.complete(brand, "/accesses", {"requests": [REQUEST]})
        self.assertEqual(report["outcome"], "found")
        remote = [document for document in report["documents"] if "remote" in document["content"]]
        self.assertTrue(remote)
        for document in remote:
            status, content = client.send(f"/documents/{document['content']['remote']}")
            self.assertEqual((status, len(content)), (200, document["size"] or len(content)))
            self.assertIn(b"The staff were kind.", content)

        report = client.complete(brand, "/opt-outs", {"requests": [REQUEST]})
        self.assertEqual(report["outcome"], "opted-out")

        report = client.complete(brand, "/deletions", {"requests": [REQUEST], "mode": "erase-and-verify"})
        self.assertEqual(report["outcome"], "verified")
        self.assertEqual(set(brand.holdings().values()), {0})
        self.assertEqual(brand.calls("erasure-create"), 2, "one erasure and one search")

    def assert_keeps_secrets(self, gateway: Gateway, brand: Brand) -> None:
        output = gateway.output()
        for secret in (brand.secret, TOKEN, ADA):
            self.assertNotIn(secret, output)

    def assert_denies_egress(self, runtime: Runtime) -> None:
        """The egress guard denies what the runtime allows, and the other way round."""
        elsewhere = "https://elsewhere.example.com"
        layers = [{"origins": elsewhere}] + ([{"allowed": elsewhere}] if runtime.restricts_egress else [])
        for layer in layers:
            brand = self.brand()
            client = self.start(runtime, self.deployment(runtime, brand, **layer))
            status, problem = client.send("/checks", {"rights": ["access"]})
            details = json.loads(problem)
            self.assertEqual([one["code"] for one in details["problems"]], ["egress"], details)
            self.assertGreaterEqual(status, 400)
            self.assertEqual(brand.calls("token"), 0)
            client.gateway.end()


if __name__ == "__main__":
    unittest.main()
