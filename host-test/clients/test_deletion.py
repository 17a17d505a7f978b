"""What the connector does is what the clients see."""

import json
import os
import subprocess
import tempfile
import time

from conftest import CUSTOMERS, PRIVACY, PARTNERS, Simulator

ADA = "ada.lovelace@example.com"
ALAN = "alan.t@example.org"


def connector(simulator: Simulator, *arguments: str) -> dict:
    """Runs a command of the connector to its end, and returns its report. Its waits are sixty times shorter."""
    command = [PRIVACY, "--json", *arguments, "--wait", "--accelerate", f"60@{int(time.time())}"]
    command += ["--base-url", simulator.origin, "--datacenter-id", "fra1", "--client-id", simulator.client_id]
    with tempfile.TemporaryDirectory() as state:
        environment = os.environ | {"CONNECTOR_CLIENT_SECRET": simulator.client_secret, "XDG_STATE_HOME": state}
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)["done"]


def test_a_deleted_person_is_gone_for_every_client_and_others_are_unchanged(simulator, helper, directory, lists):
    created = directory.create_contact_in_XM(first_name="Ada", email="ada.second@example.com", unsubscribed=True)
    member, _ = lists.create_contact_in_list("CG_000000000000001", first_name="Ada", email="ada.second@example.com")
    assert member == created
    [ada, _] = helper.contactsManager.find_contact_in_directory(email=ADA)
    bought = {"contactId": ada["contactId"], "mailingListId": "CG_000000000000001", "transactionDate": "2026-01-04 10:00:00"}
    sold = helper.transactions.create_contact_transaction(CUSTOMERS, {"one": bought})
    transaction = sold["result"]["createdTransactions"]["one"]["id"]
    others = everyone_but(helper, [ADA, "ada.second@example.com"])
    assert len(helper.contacts.list_opted_out_contacts_of_directory(CUSTOMERS)) == 1

    report = connector(
        simulator, "delete", "--mode", "erase-and-verify", "--email", ADA, "--email", "Ada.Second@example.com"
    )

    assert report["outcome"] == "verified"
    for address in (ADA, "ada.second@example.com"):
        assert helper.contactsManager.find_contact_in_directory(email=address) == []
    assert helper.contacts.get_contact_of_directory(CUSTOMERS, created) is None
    assert directory.get_contact(ada["contactId"]) is None
    assert helper.contacts.list_opted_out_contacts_of_directory(CUSTOMERS) == []
    assert helper.transactions.get_contact_transaction(CUSTOMERS, transaction) is None
    assert not {ADA, "ada.second@example.com"} & set(lists.list_contacts("CG_000000000000001")["email"])
    assert everyone_but(helper, []) == others


def test_an_access_request_has_what_a_client_wrote(simulator, directory, tmp_path):
    contact = directory.create_contact_in_XM(first_name="New", email="access@example.org", metadata={"Visits": 3})
    report = connector(simulator, "access", "--email", "access@example.org", "--out", str(tmp_path / "documents"))
    assert report["outcome"] == "found"
    documents = "".join(file.read_text() for file in (tmp_path / "documents").rglob("*.json"))
    assert contact in documents
    assert '"Visits"' in documents


def everyone_but(helper, addresses: list[str]) -> list[dict]:
    """Each contact with all of its members, apart from those with these addresses."""
    contacts = [
        helper.contacts.get_contact_of_directory(place, contact["contactId"])
        for place in (CUSTOMERS, PARTNERS)
        for contact in helper.contacts.list_contacts_of_directory(place)
        if contact["email"] not in addresses
    ]
    assert ALAN in {contact["email"] for contact in contacts}
    return contacts
