"""`cornellGrading`: an API token, mailing lists by their owner, members by their ID in the list."""

import pandas
import pytest
from conftest import ADMINISTRATOR, CUSTOMERS


@pytest.fixture
def cornell(simulator, tmp_path, monkeypatch):
    import keyring
    from cornellGrading import cornellQualtrics

    class WithoutSurveys(cornellQualtrics):
        """The client tests its token by listing surveys, which the simulator does not have."""

        def listSurveys(self, baseUrl=None):
            return [], []

    # It stores the token in the keyring of the machine.
    monkeypatch.setattr(keyring, "get_password", lambda service, user: None)
    monkeypatch.setattr(keyring, "set_password", lambda service, user, password: None)
    (tmp_path / "token").write_text(simulator.api_token)
    return WithoutSurveys(dataCenter="fra1", qualtrics_token_file=str(tmp_path / "token"))


def test_the_token_is_that_of_its_user(cornell):
    assert (cornell.directoryId, cornell.userId) == (CUSTOMERS, ADMINISTRATOR)


def test_a_mailing_list_is_synchronised_with_a_table(cornell, capsys):
    created = cornell.genMailingList("Course")
    assert cornell.getMailingListId("Course") == created
    cornell.addListContact(created, "Old", "One", "old@example.org")
    cornell.addListContact(created, "Both", "Two", "both@example.org")
    table = pandas.DataFrame(
        {"First Name": ["Both", "New"], "Last Name": ["Two", "Three"], "Email": ["both@example.org", "new@example.org"]}
    )
    cornell.updateMailingList("Course", table)
    assert sorted(cornell.dumpContacts(created)["Email"]) == ["both@example.org", "new@example.org"]
    assert "Removing old@example.org" in capsys.readouterr().out


def test_lists_of_other_owners_are_shown_on_request(cornell, helper):
    other = helper.mailingLists.create_mailing_list(CUSTOMERS, "Shared", ownerId="UR_2bLinusStaff0002")["id"]
    assert other not in [found["mailingListId"] for found in cornell.getMailingLists()]
    assert other in [found["mailingListId"] for found in cornell.getMailingLists(includeShared=True)]


def test_a_list_of_more_than_a_page_is_read_to_its_end(cornell):
    created = cornell.genMailingList("Large")
    for n in range(60):
        cornell.addListContact(created, "One", "Of Many", f"many-{n}@example.org")
    assert len(cornell.getListContacts(created)) == 60
