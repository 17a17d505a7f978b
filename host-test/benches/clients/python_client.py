"""A hand-written client of the Qualtrics API on `requests`, one call after the other. It makes the calls that the connector
makes, without the connector's checks.

Sockets always stay open. If the connection is to be reused, its token is reused, too, and so is the list of the brand's users,
which the connector caches for ten minutes.
"""

import requests

import errands

SESSION = requests.Session()
ACCESS = "manage:customer_data_requests read:directories read:directory_contacts"
DELETION = "manage:erasure_requests read:directories read:directory_contacts read:users"


class Qualtrics:
    """A brand, with an access token."""

    def __init__(self, errand: dict[str, str], scope: str) -> None:
        self.origin = errand["origin"]
        self.users: list[str | None] = []
        form = {"grant_type": "client_credentials", "scope": scope}
        client = (errand["client-id"], errand["client-secret"])
        answer = SESSION.post(f"{self.origin}/oauth2/token", data=form, auth=client, timeout=30)
        answer.raise_for_status()
        self.headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}

    def call(self, method: str, path: str, body: object = None) -> requests.Response:
        url = f"{self.origin}/API/v3{path}"
        answer = SESSION.request(method, url, json=body, headers=self.headers, timeout=30)
        answer.raise_for_status()
        return answer

    def result(self, method: str, path: str, body: object = None) -> dict:
        return self.call(method, path, body).json()["result"]

    def contacts(self, email: str) -> list[tuple[str, dict]]:
        directories = self.result("GET", "/directories?pageSize=100")["elements"]
        asked = {"filter": {"filterType": "email", "comparison": "eq", "value": email}}
        return [
            (directory["directoryId"], contact)
            for directory in directories
            for contact in self.result(
                "POST", f"/directories/{directory['directoryId']}/contacts/search?pageSize=100&includeEmbedded=true", asked
            )["elements"]
        ]

    def guarded(self) -> list[str | None]:
        """Addresses of users, which must not be deleted."""
        if not self.users:
            own = self.result("GET", "/whoami")
            self.users = [own.get("email"), *(user["email"] for user in self.result("GET", "/users")["elements"])]
        return self.users

    def erasure(self, email: str, search_only: bool) -> dict:
        asked = {"emails": [email], "searchOnly": search_only}
        job = self.result("POST", "/op-erase-personal-data", asked)["requestId"]
        done = self.result("GET", f"/op-erase-personal-data/{job}")
        assert done["status"] == "Completed", done
        return done


def access(qualtrics: Qualtrics, email: str) -> int:
    job = qualtrics.result("POST", "/customer-data-requests", {"emails": [email]})["customerDataRequestId"]
    export = qualtrics.result("GET", f"/customer-data-requests/{job}")
    assert export["fileId"], export
    found = qualtrics.contacts(email)
    file = qualtrics.call("GET", f"/customer-data-requests/{job}/files/{export['fileId']}").content
    documents = [
        qualtrics.result("GET", f"/directories/{directory}/contacts/{contact['id']}?includeSegments=true")
        for directory, contact in found
    ]
    assert documents
    return len(file)


def delete(qualtrics: Qualtrics, email: str, mode: str) -> int:
    assert email not in qualtrics.guarded()
    job = qualtrics.erasure(email, search_only=mode == "preview")
    assert email not in job["emailsNotFound"], job
    if mode == "preview":
        assert qualtrics.contacts(email)
    if mode == "erase-and-verify":
        assert email in qualtrics.erasure(email, search_only=True)["emailsNotFound"]
        assert not qualtrics.contacts(email)
    return 0


class Client:
    """Runs tasks: with a new token for each, or with one connection that is reused."""

    def __init__(self) -> None:
        self.reuse = False
        self.reused: Qualtrics | None = None

    def qualtrics(self, errand: dict[str, str], scope: str) -> Qualtrics:
        if self.reused:
            return self.reused
        fresh = Qualtrics(errand, scope)
        self.reused = fresh if self.reuse else None
        return fresh

    def do(self, errand: dict[str, str]) -> int:
        name, email = errand["errand"], errand["email"]
        if name in ("fresh", "kept"):
            self.reuse, self.reused = name == "kept", None
            return 0
        if name == "access":
            return access(self.qualtrics(errand, ACCESS), email)
        return delete(self.qualtrics(errand, DELETION), email, name)


errands.run(Client().do)
