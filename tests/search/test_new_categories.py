"""A category that nobody has wanted anything of: offered for a while where hits cannot lead."""

import pytest

from catalog.items import upsert_items
from catalog.models import Item
from catalog.types import ItemInput, Viewer
from recs.models import ItemPopularity, NeighbourVersion
from search.cold_share import KNOWN_FROM, NEW_PLACE, with_new
from search.models import Anchor
from search.places_to_start import forget_places
from search.query_candidates import Candidate, HitFacts
from search.query_mixing import best_of_new
from search.query_recommendation import recommend
from search.query_scoring import Asked, Scored
from search.query_store import build_queries
from tests.search.test_query_recommendation import recommended

pytestmark = pytest.mark.django_db
NEW = "Puppetry"


@pytest.fixture
def puppets(built):
    """Thirty things of a new category, in a catalog whose other items people want."""
    version = NeighbourVersion.objects.get(is_live=True)
    ItemPopularity.objects.filter(version=version).delete()
    ItemPopularity.objects.bulk_create(
        ItemPopularity(version=version, item=item, wanted=9, people=9, trending=0.0)
        for item in Item.objects.all()
    )
    upsert_items(
        items=[
            ItemInput(
                external_id=f"puppet-{n}", title=f"Strings {n}", year=1960 + n % 3,
                category_paths=[NEW, "Comedy"] if n % 3 else [NEW],
            )
            for n in range(30)
        ]
    )  # fmt: skip
    build_queries()
    forget_places()
    return built


def of_new(found):
    return [n for n, each in enumerate(found) if NEW.lower() in each.text.lower()]


def test_only_what_hardly_anybody_wants_is_new(puppets):
    assert list(Anchor.objects.filter(is_new=True).values_list("value", flat=True)) == [
        f"category:{NEW}"
    ]
    # Where nobody wants anything, nothing can be told.
    ItemPopularity.objects.all().delete()
    build_queries()
    assert not Anchor.objects.filter(is_new=True).exists()


def test_it_is_offered_beside_hits_that_do_not_lead_there(puppets):
    found = recommended("hitchcock thriller")
    places = of_new(found)
    assert places[0] == NEW_PLACE - 1
    # One of four: of eight places two, of six one or two by lot.
    assert 1 <= len(places) <= 2
    assert {found[place].angle for place in places} == {"new"}


def test_first_comes_what_speaks_of_what_was_asked_too(puppets):
    found = recommended("french comedy")
    assert "comedy" in found[of_new(found)[0]].text


def test_it_ends_when_it_was_shown_often(puppets):
    Anchor.objects.filter(is_new=True).update(shown=KNOWN_FROM)
    assert not of_new(recommended("hitchcock thriller"))


def test_the_home_page_offers_it_too(puppets):
    found = recommend(query="", normalized="", top_item_ids=(), exact_title=False, viewer=Viewer())
    assert of_new(found.queries) == [NEW_PLACE - 1, NEW_PLACE]


def test_a_search_asks_no_more_of_the_database_with_new_categories(
    puppets, django_assert_num_queries
):
    recommended("hitchcock thriller")
    asked = {"query": "comedy", "normalized": "comedy", "exact_title": False}
    top = list(Item.objects.values_list("pk", flat=True)[:20])
    with django_assert_num_queries(4):
        recommend(**asked, top_item_ids=top, viewer=Viewer())


def test_kept_places_stand_second_and_nobody_gets_more_than_k():
    assert with_new([0, 1, 2], [3, 4], {3: 0, 4: 0}, 3, 0.0) == [0, 3, 1]
    assert with_new([0, 1, 2], [3, 4], {3: 0, 4: 0}, 8, 0.0) == [0, 3, 4, 1, 2]
    assert with_new([0, 1, 2], [3, 4], {3: 0, 4: 0}, 6, 0.6) == [0, 3, 1, 2]
    assert with_new([0, 1, 2], [3], {3: KNOWN_FROM}, 8, 0.0) == [0, 1, 2]
    assert with_new([0], [1], {}, 8, 0.0) == [0]
    # Of two new categories the one that was shown less.
    assert with_new([0, 1], [3, 4], {3: 70, 4: 0}, 8, 0.0) == [0, 4, 1]
    assert with_new([], [3], {3: 0}, 8, 0.0) == [3]


def test_of_its_queries_those_first_that_lead_somewhere_for_who_asks():
    facts = HitFacts(hits=10, items=100, holders={}, counts={}, new={f"category:{NEW}": 30})
    asked = Asked(
        words=("q",), said=frozenset(), persons=frozenset(), near=frozenset(), unexplained=(),
        weights={}, facts=facts, top_items=(),
    )  # fmt: skip

    def scored(name, is_of_new=True):
        candidate = Candidate(
            text=name, normalized=name, source="expansions", rule="category_decade", answers=9,
            witnesses=(), anchors=(f"category:{NEW}",),
        )  # fmt: skip
        return Scored(
            candidate=candidate, score=1.0, coverage=0.0, lift=0.0, kept=0.0, words=(name,),
            persons=frozenset(), adds=frozenset(), keeps_all=False, is_of_new=is_of_new,
        )  # fmt: skip

    every = [scored("a"), scored("b"), scored("known", is_of_new=False), scored("c")]
    by_lot = best_of_new(asked, every, None, "today")
    assert sorted(by_lot) == [0, 1, 3]
    for best in by_lot:
        leads = [1.0 if place == best else 0.0 for place in range(4)]
        assert best_of_new(asked, every, leads, "today")[0] == best
    # What leads as far comes by lot.
    assert best_of_new(asked, every, [0.5, 0.5, 1.0, 0.5], "today") == by_lot
