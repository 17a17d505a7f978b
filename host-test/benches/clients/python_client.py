"""A plain client of the Qualtrics API on `requests`, one call after the other. It makes the same calls as the connector, without
the checks of the connector.

Sockets always stay open. If commands share a connection, they share the access token and the list of the users of the brand,
which the connector caches for ten minutes.
"""

import requests

import command_loop

SESSION = requests.Session()
ACCESS = "manage:customer_data_requests read:directories read:directory_contacts"
DELETION = "manage:erasure_requests read:directories read:directory_contacts read:users"


class Qualtrics:
    """A brand, with an access token."""

    def __init__(self, command: dict[str, str], scope: str) -> None:
        self.origin = command["origin"]
        self.users: list[str | None] = []
        form = {"grant_type": "client_credentials", "scope": scope}
        client = (command["client-id"], command["client-secret"])
        response = SESSION.post(f"{self.origin}/oauth2/token", data=form, auth=client, timeout=30)
        response.raise_for_status()
        self.headers = {"Authorization": f"Bearer {response.json()['access_token']}"}

    def call(self, method: str, path: str, body: object = None) -> requests.Response:
        url = f"{self.origin}/API/v3{path}"
        response = SESSION.request(method, url, json=body, headers=self.headers, timeout=30)
        response.raise_for_status()
        return response

    def result(self, method: str, path: str, body: object = None) -> dict:
        return self.call(method, path, body).json()["result"]

    def contacts(self, email: str) -> list[tuple[str, dict]]:
        """The contacts with this address, each with the ID of its directory."""
        directories = self.result("GET", "/directories?pageSize=100")["elements"]
        search = {"filter": {"filterType": "email", "comparison": "eq", "value": email}}
        return [
            (directory["directoryId"], contact)
            for directory in directories
            for contact in self.result(
                "POST", f"/directories/{directory['directoryId']}/contacts/search?pageSize=100&includeEmbedded=true", search
            )["elements"]
        ]

    def user_addresses(self) -> list[str | None]:
        """The addresses of users, whose accounts must not be deleted."""
        if not self.users:
            own = self.result("GET", "/whoami")
            self.users = [own.get("email"), *(user["email"] for user in self.result("GET", "/users")["elements"])]
        return self.users

    def erasure(self, email: str, search_only: bool) -> dict:
        body = {"emails": [email], "searchOnly": search_only}
        job = self.result("POST", "/op-erase-personal-data", body)["requestId"]
        erasure = self.result("GET", f"/op-erase-personal-data/{job}")
        assert erasure["status"] == "Completed", erasure
        return erasure


def access(qualtrics: Qualtrics, email: str) -> int:
    job = qualtrics.result("POST", "/customer-data-requests", {"emails": [email]})["customerDataRequestId"]
    export = qualtrics.result("GET", f"/customer-data-requests/{job}")
    assert export["fileId"], export
    contacts = qualtrics.contacts(email)
    file = qualtrics.call("GET", f"/customer-data-requests/{job}/files/{export['fileId']}").content
    documents = [
        qualtrics.result("GET", f"/directories/{directory}/contacts/{contact['id']}?includeSegments=true")
        for directory, contact in contacts
    ]
    assert documents
    return len(file)


def delete(qualtrics: Qualtrics, email: str, mode: str) -> int:
    assert email not in qualtrics.user_addresses()
    erasure = qualtrics.erasure(email, search_only=mode == "preview")
    assert email not in erasure["emailsNotFound"], erasure
    if mode == "preview":
        assert qualtrics.contacts(email)
    if mode == "erase-and-verify":
        assert email in qualtrics.erasure(email, search_only=True)["emailsNotFound"]
        assert not qualtrics.contacts(email)
    return 0


class Client:
    """Runs commands, each with a new access token, or all with the same connection."""

    def __init__(self) -> None:
        self.reuse = False
        self.reused: Qualtrics | None = None

    def qualtrics(self, command: dict[str, str], scope: str) -> Qualtrics:
        if self.reused:
            return self.reused
        fresh = Qualtrics(command, scope)
        self.reused = fresh if self.reuse else None
        return fresh

    def execute(self, command: dict[str, str]) -> int:
        name, email = command["command"], command["email"]
        if name in ("fresh", "kept"):
            self.reuse, self.reused = name == "kept", None
            return 0
        if name == "access":
            return access(self.qualtrics(command, ACCESS), email)
        return delete(self.qualtrics(command, DELETION), email, name)


command_loop.run(Client().execute)
