"""The runtimes, each started as its manifest in `edge/gateway/deploy` says.

Of a manifest, only what names a real brand is replaced: the file, the addresses, the settings and the allowed origins.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import nats
import yaml

from process import Process, free_port
from registry import Registry

REPOSITORY = Path(__file__).parents[2]
DEPLOY = REPOSITORY / "edge/gateway/deploy"
JCO = REPOSITORY / "host-test/node/node_modules/@bytecodealliance/jco/dist/jco.js"
PACKAGES = Path(sys.prefix) / f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
WASMTIME = PACKAGES / "wasmtime_cli/wasmtime"
WASH = PACKAGES / "wash_cli/wash"
NATS_SERVER = Path(sys.prefix) / "bin/nats-server"


@dataclass
class Deployment:
    """What is deployed: the file, its environment, and the origins that the runtime lets it reach."""

    file: Path
    environment: dict[str, str]
    allowed_origins: list[str]


@dataclass
class Gateway:
    """A gateway that serves requests."""

    address: str
    processes: list[Process]
    host: str | None = None
    closed: list = field(default_factory=list)

    def output(self) -> str:
        return "".join(process.output() for process in self.processes)

    def end(self) -> None:
        for process in self.processes:
            process.end()
        for resource in self.closed:
            resource.end()


def wasmtime_serve(deployment: Deployment) -> Gateway:
    """The command of the container in kubernetes.yaml."""
    return _wasmtime_serve(deployment, _container_command())


def wasmtime_serve_by_default(deployment: Deployment) -> Gateway:
    """The same, as wasmtime serves by default."""
    options = ("--max-instance-reuse-count", "--idle-instance-timeout")
    return _wasmtime_serve(deployment, [word for word in _container_command() if not word.startswith(options)])


def _container_command() -> list[str]:
    for document in yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text()):
        if document["kind"] == "Deployment":
            return document["spec"]["template"]["spec"]["containers"][0]["command"]
    raise LookupError("kubernetes.yaml has no deployment")


def _wasmtime_serve(deployment: Deployment, command: list[str]) -> Gateway:
    port = free_port()
    named = [word.removeprefix("--env=") for word in command if word.startswith("--env=")]
    added = [f"--env={name}" for name in deployment.environment if name not in named]
    replaced = {"wasmtime": str(WASMTIME), "--addr=0.0.0.0:8080": f"--addr=127.0.0.1:{port}"}
    words = [replaced.get(word, word) for word in command[:-1]]
    assert command[-1] == "/gateway.wasm" and words != command[:-1]
    process = Process([*words, *added, deployment.file], deployment.environment)
    process.wait_for_port(port)
    return Gateway(f"http://127.0.0.1:{port}", [process])


def wash_dev(deployment: Deployment) -> Gateway:
    """A project with the configuration in wash.yaml."""
    port = free_port()
    configuration = yaml.safe_load((DEPLOY / "wash.yaml").read_text())
    configuration["build"]["component_path"] = str(deployment.file)
    configuration["dev"]["address"] = f"127.0.0.1:{port}"
    configuration["workload"]["allowedHosts"] = deployment.allowed_origins
    environment = configuration["workload"]["environment"]
    secrets = configuration["secrets"]["gateway"]["fromEnv"]
    environment["config"] = {name: value for name, value in deployment.environment.items() if name not in secrets}
    project = tempfile.TemporaryDirectory()
    (Path(project.name) / ".wash").mkdir()
    (Path(project.name) / ".wash/config.yaml").write_text(yaml.safe_dump(configuration))
    secret_environment = {name: deployment.environment[name] for name in secrets}
    process = Process([WASH, "dev"], secret_environment, Path(project.name))
    process.wait_for_output(r"listening for HTTP requests")
    return Gateway(f"http://127.0.0.1:{port}", [process], closed=[_Cleanup(project)])


class _Cleanup:
    def __init__(self, directory: tempfile.TemporaryDirectory):
        self.directory = directory

    def end(self) -> None:
        self.directory.cleanup()


def wash_host(deployment: Deployment) -> Gateway:
    """A wasmCloud host, which the operator for Kubernetes would tell to start the workload in wasmcloud.yaml."""
    bus, port = free_port(), free_port()
    registry = Registry(deployment.file.read_bytes())
    nats_server = Process([NATS_SERVER, "--addr", "127.0.0.1", "--port", bus])
    nats_server.wait_for_port(bus)
    url = f"nats://127.0.0.1:{bus}"
    options = ["--scheduler-nats-url", url, "--data-nats-url", url, "--http-addr", f"127.0.0.1:{port}"]
    # The registry has no TLS, and the simulated brand is on a loopback address.
    options += ["--allow-insecure-registries", "--deny-special-ranges=false"]
    host = Process([WASH, "host", *options])
    gateway = Gateway(f"http://127.0.0.1:{port}", [host, nats_server], "privacy.example.com", [registry])
    host_id = host.wait_for_output(r'host_id="([^"]*)"')[1]
    host.wait_for_port(port)
    started = asyncio.run(_start_workload(url, host_id, _workload(deployment, registry)))
    state = started.get("workloadStatus", {})
    assert state.get("workloadState") in ("WORKLOAD_STATE_RUNNING", "WORKLOAD_STATE_STARTING"), state
    return gateway


def _workload(deployment: Deployment, registry: Registry) -> dict:
    """What the operator makes of the manifest."""
    for document in yaml.safe_load_all((DEPLOY / "wasmcloud.yaml").read_text()):
        if document["kind"] == "WorkloadDeployment":
            spec = document["spec"]["template"]["spec"]
    [component] = spec["components"]
    resources = component["localResources"]
    pool = {name: component[name] for name in ("poolSize", "maxInvocations") if name in component}
    return {
        "namespace": "default",
        "name": "privacy-gateway",
        "witWorld": {
            "hostInterfaces": spec["hostInterfaces"],
            "components": [
                {
                    "name": component["name"],
                    "image": f"{registry.address}/privacy/gateway:0.1.0",
                    "localResources": {
                        **{name: value for name, value in resources.items() if name != "environment"},
                        "environment": deployment.environment,
                        "allowedHosts": deployment.allowed_origins,
                    },
                    **pool,
                }
            ],
        },
    }


async def _start_workload(url: str, host_id: str, workload: dict) -> dict:
    client = await nats.connect(url)
    try:
        request = {"workloadId": "privacy-gateway-1", "workload": workload}
        subject = f"runtime.host.{host_id}.workload.start"
        response = await client.request(subject, json.dumps(request).encode(), timeout=120)
        return json.loads(response.data)
    finally:
        await client.close()


def jco_serve(deployment: Deployment) -> Gateway:
    """Node, with a worker per request."""
    directory = tempfile.TemporaryDirectory()
    isolation = ["--isolate-requests", "worker", "--isolate-worker-pool-size", "2"]
    options = ["--host", "127.0.0.1", *isolation, "--jco-dir", directory.name]
    process = Process(["node", JCO, "serve", deployment.file, *options], deployment.environment)
    address = process.wait_for_output(r"Server listening @ (127\.0\.0\.1:\d+)")[1]
    return Gateway(f"http://{address}", [process], closed=[_Cleanup(directory)])


def version(command: list) -> str:
    """The first line that a program prints about its version."""
    words = [str(word) for word in command]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.split("\n")[0]
