"""A simulated Qualtrics for each module of tests, and the clients pointed at it."""

import dataclasses
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import requests

PRIVACY = os.environ["PRIVACY"]

CUSTOMERS = "POOL_2aCustomers0001"
PARTNERS = "POOL_2bPartners00002"
ADMINISTRATOR = "UR_1aGraceAdmin0001"

# All that the writing OAuth client is granted. `qualtrics-helper` asks for no scope, and fails if the response has others than these.
SCOPES = [
    "manage:contact_transactions",
    "manage:customer_data_requests",
    "manage:directory_contacts",
    "manage:erasure_requests",
    "manage:mailing_list_contacts",
    "manage:mailing_lists",
    "manage:users",
    "read:directories",
    "read:directory_contacts",
    "read:users",
]


@dataclasses.dataclass(frozen=True)
class Simulator:
    """Where a simulated Qualtrics is, and the credentials that it printed."""

    origin: str
    api_token: str
    # The OAuth client of the connector, which only reads and erases.
    client_id: str
    client_secret: str
    # An OAuth client that may also write.
    writer_id: str
    writer_secret: str


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    process = subprocess.Popen(
        [PRIVACY, "simulate", "--port", "0", "--job-seconds", "1"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        printed = ""
        for line in process.stdout:
            printed += line
            if "Ctrl-C" in line:
                break
        patterns = [
            r"at (http://\S+)\. ",
            r"API token (\w+)",
            r"--client-id (\w+)",
            r"SECRET='([^']+)'",
            r"OAuth client (\w+) with",
            r"with the secret (\S+)\.$",
        ]
        found = [re.search(pattern, printed, re.MULTILINE) for pattern in patterns]
        yield Simulator(*[match[1] for match in found if match])
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


@pytest.fixture(autouse=True)
def only_the_simulator(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sends what is addressed to a data centre of Qualtrics to the simulator, and refuses every other host.

    The clients that build their URLs from a data centre ID have no setting for another host. All of them use `requests`, so that its
    lowest layer is the one place to redirect them. Their own code is unchanged.
    """
    send = requests.adapters.HTTPAdapter.send

    def redirected(adapter, request, *args, **kwargs):
        url = urlsplit(request.url)
        if url.hostname and url.hostname.endswith(".qualtrics.com"):
            request.url = simulator.origin + url.path + (f"?{url.query}" if url.query else "")
        assert request.url.startswith(simulator.origin), f"a client called {url.hostname}"
        return send(adapter, request, *args, **kwargs)

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", redirected)


@pytest.fixture
def helper(simulator: Simulator, monkeypatch: pytest.MonkeyPatch):
    """`qualtrics-helper` with OAuth client credentials.

    Its configuration has the address as a template. It compares links to the next page with that address, so the template is replaced.
    """
    from qualtrics_helper.client import Qualtrics
    from qualtrics_helper.common.config import Config

    template = Config._CONFIG_ENDPOINTS
    replaced = template.replace("https://{server}.qualtrics.com", simulator.origin)
    assert replaced != template
    monkeypatch.setattr(Config, "_CONFIG_ENDPOINTS", replaced)
    # oauthlib refuses plain HTTP otherwise.
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    with Qualtrics(client_id=simulator.writer_id, client_secret=simulator.writer_secret, scope=SCOPES) as client:
        yield client


@pytest.fixture
def directory(simulator: Simulator, monkeypatch: pytest.MonkeyPatch):
    """`QualtricsAPI` on the directory of customers, with an API token. It keeps its credentials in the environment."""
    from QualtricsAPI import XMDirectory

    set_credentials(simulator, monkeypatch)
    return XMDirectory()


@pytest.fixture
def lists(simulator: Simulator, monkeypatch: pytest.MonkeyPatch):
    """`QualtricsAPI` on the mailing lists of that directory."""
    from QualtricsAPI import MailingList

    set_credentials(simulator, monkeypatch)
    return MailingList()


def set_credentials(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    from QualtricsAPI.Setup import Credentials

    for name in ("token", "data_center", "directory_id"):
        monkeypatch.setenv(name, "")
    Credentials().qualtrics_api_credentials(token=simulator.api_token, data_center="fra1", directory_id=CUSTOMERS)
