"""What anybody may be told of a person where reading is public, and what takes a key."""

import pytest

from catalog.models import Person
from catalog.people import viewer_for
from search.answer import search
from search.types import SearchRequest
from tests.catalog.rows import add_item


@pytest.fixture
def searcher(db):
    """A person with an account who searched for something."""
    add_item("i1", title="Rope", creators=["Alfred Hitchcock"])
    add_item("i2", title="Rope ladder", creators=["Alfred Hitchcock"])
    for name in ("account:1", "u1"):
        Person.objects.create(external_id=name)
        search(SearchRequest(query="rope ladder", viewer=viewer_for(user_id=name)))


PATHS = ["/search?q=rope", "/suggest?q=", "/query-recommendations?q=rope", "/recommend?k=1"]


@pytest.mark.usefixtures("searcher")
@pytest.mark.parametrize("path", PATHS)
def test_only_a_key_speaks_for_an_account_of_this_site(caller, is_problem, settings, path):
    settings.API_PUBLIC_READ = True
    is_problem(caller().get(f"{path}&user_id=account:1"), 401, "not_authenticated")
    assert caller("read").get(f"{path}&user_id=account:1").status_code == 200
    assert caller().get(f"{path}&user_id=u1").status_code == 200


@pytest.mark.usefixtures("searcher")
@pytest.mark.parametrize(
    ("path", "name"),
    [("/search?q=hitchcock", "query_recommendations"), ("/suggest?q=", "suggestions"),
     ("/query-recommendations?q=hitchcock", "query_recommendations")],
)  # fmt: skip
def test_what_a_person_searched_is_told_to_keys_alone(caller, settings, path, name):
    settings.API_PUBLIC_READ = True

    def sources(who):
        return {each["source"] for each in who.get(f"{path}&user_id=u1").json()[name]}

    assert "recent" in sources(caller("read"))
    assert "recent" not in sources(caller())
