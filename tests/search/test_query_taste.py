"""What a recommended query is worth to a person, by what its first hits are to them."""

import pytest
from django.utils import timezone

from catalog.events import record_events
from catalog.models import Person
from catalog.types import EventInput, Viewer
from recs.models import ItemNeighbour, NeighbourVersion
from search.models import Query
from search.query_checks import check_queries
from search.query_taste import leads_of, worth_to
from tests.search.test_query_recommendation import recommended

pytestmark = pytest.mark.django_db


def candidate(built, *titles):
    from search.query_candidates import Candidate

    items = [built[title].pk for title in titles]
    return Candidate(
        text="any", normalized="any", source="log", rule="log", answers=len(items),
        witnesses=items, first_hits=items,
    )  # fmt: skip


@pytest.fixture
def anna(built):
    """Somebody who liked Playtime; who likes it likes two others."""
    liked = EventInput(
        kind="like", item_id=built["Playtime"].external_id, user_id="anna", time=timezone.now()
    )
    record_events(events=[liked])
    version = NeighbourVersion.objects.get(is_live=True)
    for title, score in (("Rear Window", 0.5), ("Rope", 0.4)):
        ItemNeighbour.objects.create(
            version=version, item_id=built["Playtime"].pk, neighbour_id=built[title].pk,
            score=score, people=5,
        )  # fmt: skip
    return Viewer(person_id=Person.objects.get(external_id="anna").pk)


def test_a_query_leads_on_by_what_somebody_is_inclined_to_and_has_not_had(built, anna):
    one, later, had, other = (
        candidate(built, "Rope"),
        candidate(built, "The Godfather", "Rope"),
        candidate(built, "Playtime"),
        candidate(built, "The Godfather"),
    )
    leads = leads_of(anna, [one, later, had, other])
    assert leads[0] == 1.0
    assert 0 < leads[1] < 1  # what stands second is looked at less often
    assert leads[2:] == [0.0, 0.0]


def test_of_two_equally_near_the_one_that_fewer_people_wanted_leads_on_more(built, anna):
    # Rear Window is nearer, and wanted by many: the fixture of the world makes it so.
    window, rope = leads_of(anna, [candidate(built, "Rear Window"), candidate(built, "Rope")])
    assert rope == 1.0
    assert 0 < window < 1


def test_nobody_and_who_is_inclined_to_nothing_here_have_the_stated_order(
    built, anna, django_assert_num_queries
):
    with django_assert_num_queries(0):
        assert leads_of(Viewer(), [candidate(built, "Rope")]) is None
        assert leads_of(anna, []) is None
    assert leads_of(anna, [candidate(built, "The Godfather")]) is None
    assert leads_of(Viewer(anonymous_id="new"), [candidate(built, "Rope")]) is None


def test_worth_keeps_what_is_relevant_and_never_turns_it_around():
    assert worth_to(1.0, 0.6) == 0.6
    assert 0 < worth_to(0.0, 0.6) < worth_to(0.5, 0.6) < worth_to(1.0, 0.6)


def test_a_person_gets_the_queries_that_lead_them_on_and_a_stranger_the_stated_ones(built, anna):
    check_queries(every=True)
    texts = [each.text for each in recommended("hitchcock thriller")]
    mine = recommended("hitchcock thriller", viewer=anna)
    assert mine
    assert [each.text for each in mine] != texts
    rope = built["Rope"].pk
    for each in mine:
        assert {rope, built["Rear Window"].pk} & set(Query.objects.get(text=each.text).first_hits)


def test_first_hits_are_those_of_the_search(built):
    from search.retrieval import SearchRequest, retrieve

    check_queries(every=True)
    query = Query.objects.get(text="French comedy")
    found = retrieve(SearchRequest(query="French comedy"))
    assert query.first_hits == [hit.item.pk for hit in found.hits[:10]]
