"""`qualtrics-helper`: OAuth client credentials, a slash at the end of every path."""

import pytest
from conftest import ADMINISTRATOR, CUSTOMERS, PARTNERS
from oauthlib.oauth2 import InvalidClientError

ADA = "ada.lovelace@example.com"


def test_the_client_is_the_user_who_made_it(helper):
    me = helper.users.who_am_i()
    assert (me["userId"], me["accountType"]) == (ADMINISTRATOR, "UT_BRANDADMIN")
    [listed] = [user for user in helper.users.list_users() if user["id"] == ADMINISTRATOR]
    assert (listed["email"], listed["accountStatus"]) == (me["email"], "active")


def test_a_wrong_secret_is_an_error_of_oauth(simulator, helper):
    from qualtrics_helper.client import Qualtrics

    with pytest.raises(InvalidClientError):
        Qualtrics(client_id=simulator.writer_id, client_secret="wrong", scope=["read:users"])


def test_a_person_is_found_in_every_directory(helper):
    assert [found["directoryId"] for found in helper.directories.list_directories()] == [CUSTOMERS, PARTNERS]
    found = helper.contactsManager.find_contact_in_directory(email=ADA.upper(), firstName="ada")
    assert [contact["directoryId"] for contact in found] == [CUSTOMERS, PARTNERS]
    assert {contact["contact_directory_data"]["phone"] for contact in found} == {"+12025550101"}
    by_id = helper.contactsManager.find_contact_in_directory(contactId=found[0]["contactId"])
    assert by_id == found[:1]
    assert helper.contactsManager.find_contact_in_directory(email="nobody.here@example.org") == []
    by_language = {"filter": {"filterType": "language", "comparison": "neq", "value": "EN"}}
    assert helper.contacts.search_contacts_of_directory(CUSTOMERS, by_language) == []


def test_the_history_of_a_contact_has_its_emails(helper):
    history = helper.contactsManager.retrieve_contact_history(directoryId=CUSTOMERS, email=ADA)
    assert [(entry["type"], entry["result"], entry["directoryId"]) for entry in history] == [
        ("Invite", "Success", CUSTOMERS)
    ] * 3
    bounced = helper.contactsManager.retrieve_contact_history(directoryId=CUSTOMERS, email="hedy@example.com")
    assert [entry["result"] for entry in bounced] == ["Bounce"]


def test_mailing_lists_and_their_contacts_are_managed(helper):
    created = helper.mailingLists.create_mailing_list(CUSTOMERS, "Spring")["id"]
    assert helper.mailingLists.search_mailing_list(CUSTOMERS, "Spring")["mailingListId"] == created
    assert helper.mailingLists.update_mailing_list(CUSTOMERS, created, "Summer")["meta"]["httpStatus"] == "200 - OK"
    assert helper.mailingLists.get_mailing_list(CUSTOMERS, created)["name"] == "Summer"
    contact = {"firstName": "New", "email": "list@example.org", "unsubscribed": True, "embeddedData": {"Visits": 3}}
    member = helper.contacts.create_contact_mailing_list(CUSTOMERS, created, contact)
    assert [listed["contactId"] for listed in helper.contacts.list_contacts_of_mailing_lists(CUSTOMERS, created)] == [
        member["id"]
    ]
    stored = helper.contacts.get_contact_of_mailing_list(CUSTOMERS, created, member["id"])
    assert (stored["embeddedData"], stored["mailingListUnsubscribed"]) == ({"Visits": "3"}, True)
    opted_out = helper.contacts.list_opted_out_contacts_of_mailing_lists(CUSTOMERS, created)
    assert [contact["contactLookupId"] for contact in opted_out] == [member["contactLookupId"]]
    assert helper.contacts.list_opted_out_contacts_of_directory(CUSTOMERS) == []
    assert helper.mailingLists.delete_mailing_list(CUSTOMERS, created) is not None
    assert helper.mailingLists.get_mailing_list(CUSTOMERS, created) is None
    assert helper.contacts.get_contact_of_directory(CUSTOMERS, member["id"])["mailingListMembership"] == {}


def test_bounced_contacts_of_a_mailing_list_are_listed(helper):
    newsletter = helper.mailingLists.search_mailing_list(CUSTOMERS, "Newsletter")["mailingListId"]
    bounced = helper.contacts.list_bounced_contacts_of_mailing_lists(CUSTOMERS, newsletter)
    assert [contact["email"] for contact in bounced] == ["hedy@example.com"]


def test_transactions_of_a_contact_are_created_and_listed(helper):
    newsletter = helper.mailingLists.search_mailing_list(CUSTOMERS, "Newsletter")["mailingListId"]
    [ada] = helper.contactsManager.find_contact_in_directory(directoryId=CUSTOMERS, email=ADA)
    new = helper.transactions.create_create_contact_transaction_object(
        ada["contactId"], newsletter, "2026-01-04 10:00:00", {"Total": 12.5}
    )
    created = helper.transactions.create_contact_transaction(CUSTOMERS, {"one": new})
    transaction = created["result"]["createdTransactions"]["one"]["id"]
    [listed] = helper.transactions.list_contact_transactions(CUSTOMERS, ada["contactId"])
    assert (listed["transactionId"], listed["data"]) == (transaction, {"Total": "12.5"})
    assert helper.transactions.get_contact_transaction(CUSTOMERS, transaction) == listed


def test_contacts_are_imported_into_a_mailing_list(helper):
    created = helper.mailingLists.create_mailing_list(CUSTOMERS, "Imported")["id"]
    contacts = [{"email": "import@example.org", "firstName": "New"}, {"email": ADA.upper()}]
    report = helper.transactions.create_contact_import(CUSTOMERS, created, contacts)
    [new, ada] = report["importReportEntries"]
    assert (new["email"], ada["contactId"]) == ("import@example.org", "CID_000000000000001")
    members = helper.contacts.list_contacts_of_mailing_lists(CUSTOMERS, created)
    assert {member["contactId"] for member in members} == {new["contactId"], ada["contactId"]}


def test_what_the_simulator_lacks_is_an_error_with_the_envelope(helper):
    import requests

    with pytest.raises(requests.HTTPError) as error:
        helper.request("GET", f"directories/{CUSTOMERS}/transactionbatches/")
    assert error.value.response.status_code == 404
    assert error.value.response.json()["meta"]["error"]["errorCode"] == "GED_3"
