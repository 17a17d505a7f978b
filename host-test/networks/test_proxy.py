"""The command line behind a real proxy: mitmproxy, as a process of its own, with and without inspection of TLS."""

import hashlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

PRIVACY = os.environ["PRIVACY"]
MITMDUMP = Path(sys.executable).parent / "mitmdump"
PASSWORD = "pass word @1"
ENCODED = "user:pass%20word%20%401"
# The variables that the host reads.
VARIABLES = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"]
TOKEN = "a token for tests"


def environment(variables: dict[str, str]) -> dict[str, str]:
    """The environment of this process, with these variables and no others that concern a proxy."""
    return {name: value for name, value in os.environ.items() if name not in VARIABLES} | variables


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(port: int, process: subprocess.Popen) -> None:
    for _ in range(300):
        assert process.poll() is None, "the process has ended"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(port)


class Process:
    """A process with a port, and its output in a file."""

    def __init__(self, test: unittest.TestCase, command: list, port: int, **variables: str):
        self.port = port
        self.log = tempfile.NamedTemporaryFile("r")
        test.addCleanup(self.log.close)
        words = [str(word) for word in command]
        with open(self.log.name, "w") as log:
            process = subprocess.Popen(words, env=environment(variables), stdout=log, stderr=subprocess.STDOUT)
        test.addCleanup(process.wait)
        test.addCleanup(process.send_signal, signal.SIGINT)
        wait_for(port, process)

    def output(self) -> str:
        return Path(self.log.name).read_text()


class Network(unittest.TestCase):
    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = Path(scratch.name)

    def simulate(self, *options: str) -> str:
        """Starts a brand with TLS. Returns its origin, by a name that is private."""
        port = free_port()
        self.brand = Process(self, [PRIVACY, "simulate", "--port", port, "--tls", self.scratch / "tls", *options], port)
        output = self.brand.output()
        self.secret = re.search("CONNECTOR_CLIENT_SECRET='(.*)'", output)[1]
        self.client_id = re.search("--client-id ([^ ]*)", output)[1]
        return f"https://localhost:{port}"

    def proxy(self, *options: str) -> Process:
        """Starts a proxy that opens tunnels."""
        port = free_port()
        command = [MITMDUMP, "--listen-host", "127.0.0.1", "--listen-port", port, "--set", f"confdir={self.scratch}"]
        return Process(self, [*command, *options], port)

    def privacy(self, command: str, *options: object, **variables: str) -> subprocess.CompletedProcess:
        words = [PRIVACY, command, *map(str, options)]
        return subprocess.run(words, env=environment(variables), capture_output=True, text=True, timeout=60)

    def check(self, origin: str, *options: object, roots: str = "tls/ca.pem", **variables: str) -> subprocess.CompletedProcess:
        connection = ["--base-url", origin, "--datacenter-id", "fra1", "--client-id", self.client_id]
        roots = ["--ca-certificate", self.scratch / roots]
        variables = {"CONNECTOR_CLIENT_SECRET": self.secret} | variables
        result = self.privacy("check", "--json", *connection, *roots, *options, **variables)
        self.assertNotIn(PASSWORD, result.stdout + result.stderr)
        self.assertNotIn(ENCODED, result.stdout + result.stderr)
        return result

    def assert_connected(self, result: subprocess.CompletedProcess) -> None:
        self.assertEqual(result.returncode, 0, result)
        self.assertIn("connection", json.loads(result.stdout))

    def assert_problem(self, result: subprocess.CompletedProcess, code: int, problem: str, message: str) -> None:
        self.assertEqual(result.returncode, code, result)
        error = json.loads(result.stdout)["error"]
        self.assertEqual([problem["code"] for problem in error["problems"]], [problem], error)
        self.assertIn(message, error["message"])


class Tunnels(Network):
    """A proxy that opens tunnels, and does not inspect TLS."""

    def test_a_brand_with_mutual_tls_is_reached_through_a_proxy_only(self) -> None:
        origin = self.simulate("--mutual-tls")
        proxy = self.proxy("--ignore-hosts", ".*")
        tls = self.scratch / "tls"
        certificate = ["--client-certificate", tls / "client.pem", "--client-key", tls / "client.key"]
        address = f"http://127.0.0.1:{proxy.port}"

        self.assert_connected(self.check(origin, "--proxy", address, *certificate))
        for variable in ["HTTPS_PROXY", "all_proxy"]:
            self.assert_connected(self.check(origin, *certificate, **{variable: address}))
        # The proxy resolved the name. The host itself denies it, because its address is private.
        direct = self.check(origin, *certificate)
        self.assert_problem(direct, 1, "egress", "The host's egress policy denies")
        exempt = self.check(origin, *certificate, HTTPS_PROXY=address, NO_PROXY="localhost")
        self.assert_problem(exempt, 1, "egress", "The host's egress policy denies")
        without = self.check(origin, "--proxy", address)
        self.assertEqual(without.returncode, 1)
        self.assertIn("requires a client certificate", json.loads(without.stdout)["error"]["message"])

    def test_credentials_are_sent_and_a_407_names_them(self) -> None:
        origin = self.simulate()
        proxy = self.proxy("--ignore-hosts", ".*", "--proxyauth", f"user:{PASSWORD}")
        address = f"127.0.0.1:{proxy.port}"
        self.assert_connected(self.check(origin, HTTPS_PROXY=f"http://{ENCODED}@{address}"))
        for credentials in ["", "user:wrong@"]:
            refused = self.check(origin, HTTPS_PROXY=f"http://{credentials}{address}")
            self.assert_problem(refused, 1, "proxy", "check the user name and the password for the proxy")
            self.assertIn("it responded with 407", refused.stderr)

    def test_a_proxy_that_is_down_or_cannot_connect_is_temporary_and_named(self) -> None:
        origin = self.simulate()
        down = f"http://127.0.0.1:{free_port()}"
        result = self.check(origin, HTTPS_PROXY=down)
        self.assert_problem(result, 7, "proxy", "The proxy between this host and Qualtrics cannot be reached")
        self.assertIn("it cannot be reached", result.stderr)
        exempt = self.check(origin, "--allow-private-addresses", HTTPS_PROXY=down, NO_PROXY="example.com, localhost")
        self.assert_connected(exempt)
        proxy = self.proxy("--ignore-hosts", ".*")
        nowhere = self.check(f"https://localhost:{free_port()}", "--proxy", f"http://127.0.0.1:{proxy.port}")
        self.assert_problem(nowhere, 7, "proxy", "or cannot reach Qualtrics")
        self.assertIn("it responded with 502", nowhere.stderr)

    def test_a_gateway_presents_its_certificate_through_the_proxy_and_keeps_to_its_egress(self) -> None:
        origin = self.simulate("--mutual-tls")
        proxy = self.proxy("--ignore-hosts", ".*")
        tls = self.scratch / "tls"
        for permitted, status in [(origin, 200), ("https://example.com", 503)]:
            port = free_port()
            variables = {
                "GATEWAY_TOKEN_SHA256": hashlib.sha256(TOKEN.encode()).hexdigest(),
                "CONNECTOR_DATACENTER_ID": "fra1",
                "CONNECTOR_CLIENT_ID": self.client_id,
                "CONNECTOR_CLIENT_SECRET": self.secret,
                "CONNECTOR_BASE_URL": origin,
                "EGRESS_ORIGINS": permitted,
                "PRIVACY_CLIENT_CERTIFICATE": (tls / "client.pem").read_text(),
                "PRIVACY_CLIENT_KEY": (tls / "client.key").read_text(),
                "HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}",
            }
            Process(self, [PRIVACY, "serve", "--port", port, "--ca-certificate", tls / "ca.pem"], port, **variables)
            before = len(re.findall("server connect", proxy.output()))
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
            connection.request("POST", "/checks", json.dumps({"rights": ["access"]}), headers)
            response = connection.getresponse()
            body = response.read().decode()
            connection.close()
            self.assertEqual(response.status, status, body)
            connected = len(re.findall("server connect", proxy.output())) - before
            self.assertEqual(connected > 0, permitted == origin, proxy.output())


class Inspection(Network):
    """A proxy that inspects TLS, with a certificate authority of its own."""

    def test_an_inspecting_proxy_needs_its_root_certificate(self) -> None:
        origin = self.simulate()
        trusted = self.scratch / "tls/ca.pem"
        proxy = self.proxy("--set", f"ssl_verify_upstream_trusted_ca={trusted}")
        address = f"http://127.0.0.1:{proxy.port}"
        self.assert_connected(self.check(origin, "--proxy", address, roots="mitmproxy-ca-cert.pem"))
        self.assertIn("/oauth2/token", proxy.output())
        untrusted = self.check(origin, "--proxy", address)
        self.assertEqual(untrusted.returncode, 7, untrusted)
        self.assertIn("The TLS handshake with Qualtrics' host failed", json.loads(untrusted.stdout)["error"]["message"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
