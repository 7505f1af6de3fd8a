"""Saved searches: of one viewer, once each, and gone with the history."""

import pytest

from catalog.errors import InvalidInput
from catalog.models import Person, SavedSearch
from catalog.people import adopt_anonymous, erase_history, export_history
from catalog.saved_searches import MOST, let_go, save_search, saved_searches
from catalog.types import Viewer

pytestmark = pytest.mark.django_db
GUEST = Viewer(anonymous_id="guest")
OTHER = Viewer(anonymous_id="other")


def save(viewer=GUEST, text="noir"):
    return save_search(viewer=viewer, query=text, address=f"q={text}")


def test_the_same_search_is_kept_once_and_by_whom_it_was_saved():
    assert save().pk == save().pk
    save(OTHER)
    assert [row.query for row in saved_searches(GUEST)] == ["noir"]
    assert saved_searches(Viewer()) == []
    assert not let_go(viewer=OTHER, pk=save().pk)
    assert not let_go(viewer=Viewer(), pk=save().pk)
    assert let_go(viewer=GUEST, pk=save().pk)
    assert saved_searches(GUEST) == []


def test_it_goes_with_its_owner():
    person = Person.objects.create(external_id="u1")
    known = Viewer(person_id=person.pk, anonymous_id="guest")
    save()
    adopt_anonymous(anonymous_id="guest", person_id=person.pk)
    assert [row.query for row in saved_searches(known)] == ["noir"]
    assert saved_searches(GUEST) == []
    assert [row["query"] for row in export_history(viewer=known)["saved_searches"]] == ["noir"]
    erase_history(viewer=known)
    assert not SavedSearch.objects.exists()


@pytest.mark.parametrize(
    ("viewer", "address"),
    [(Viewer(), "q=noir"), (GUEST, ""), (GUEST, "q=" + "x" * 4000), (GUEST, "q=\x00")],
)
def test_what_cannot_be_saved_is_refused_in_words(viewer, address):
    with pytest.raises(InvalidInput):
        save_search(viewer=viewer, query="", address=address)


def test_there_is_an_end():
    for n in range(MOST):
        save(text=f"film {n}")
    with pytest.raises(InvalidInput, match="let one go"):
        save(text="one more")


def test_from_the_search_page_to_the_history_and_away_again(client):
    client.get("/search?q=noir")
    answer = client.post("/saved", {"search": "q=noir&country=France&page=3"})
    assert answer.url == "/search?q=noir&country=France"
    page = client.get("/history").content.decode()
    assert "noir, France" in page
    assert "/search?q=noir&amp;country=France" in page
    (row,) = SavedSearch.objects.all()
    client.post(f"/saved/{row.pk}/let-go")
    assert not SavedSearch.objects.exists()
    assert client.post("/saved", {"search": "https://example.com/?q=x"}).status_code == 400
    assert not SavedSearch.objects.exists()
