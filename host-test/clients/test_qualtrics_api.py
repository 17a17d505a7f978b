"""`QualtricsAPI`: an API token, two slashes within every path, pages of a thousand contacts."""

NEWSLETTER = "CG_000000000000001"


def test_a_contact_is_created_updated_and_deleted(directory, capsys):
    status, contact = directory.create_contact_in_XM(
        first_name="New", last_name="One", email="new@example.org", metadata={"Visits": 3}, verbose=True
    )
    assert status == "200 - OK"
    created = directory.get_contact(contact).iloc[0]
    assert (created["email"], created["embeddedData"], created["directoryUnsubscribed"]) == (
        "new@example.org",
        {"Visits": "3"},
        False,
    )
    assert "was updated" in directory.update_contact(contact, phone="+12025550177", unsubscribed=True)
    updated = directory.get_contact(contact).iloc[0]
    assert (updated["phone"], updated["directoryUnsubscribed"]) == ("+12025550177", True)
    assert (updated["firstName"], updated["embeddedData"]) == ("New", {"Visits": "3"}), "a PUT merges"
    assert "has been deleted" in directory.delete_contact(contact)
    capsys.readouterr()
    assert directory.get_contact(contact) is None
    assert "GED_3" in capsys.readouterr().out


def test_the_whole_directory_is_listed(directory):
    listed = directory.list_contacts_in_directory()
    assert (len(listed), listed["contactId"].nunique()) == (12, 12)
    ada = listed[listed["email"] == "ada.lovelace@example.com"].iloc[0]
    assert (ada["extRef"], ada["unsubscribed"]) == ("CUST-0001", False)
    membership = directory.get_contact_additional_info(ada["contactId"], "mailingListMembership")
    assert list(membership.columns) == [NEWSLETTER]


def test_a_mailing_list_is_created_renamed_and_deleted(lists, capsys):
    name, created = lists.create_list("Spring")
    assert name == "Spring"
    lists.rename_list(created, "Summer")
    listed = lists.list_lists().set_index("mailingListId")
    assert (listed.loc[created, "name"], listed.loc[created, "contactCount"]) == ("Summer", 0)
    assert str(lists.get_list(created).iloc[0]["creationDate"].date()) >= "2026"
    lists.delete_list(created)
    assert "has been deleted" in capsys.readouterr().out
    assert created not in set(lists.list_lists()["mailingListId"])


def test_a_contact_of_a_list_is_listed_there(lists):
    before = len(lists.list_contacts(NEWSLETTER))
    contact, lookup = lists.create_contact_in_list(NEWSLETTER, first_name="New", email="member@example.org")
    assert (contact[:4], lookup[:4]) == ("CID_", "CGC_")
    listed = lists.list_contacts(NEWSLETTER)
    assert len(listed) == before + 1
    assert listed[listed["contactId"] == contact].iloc[0]["email"] == "member@example.org"
