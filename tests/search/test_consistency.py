"""Counts, facets and pages agree, whatever is asked, however large the set is."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.filters import ItemFilters, Range, parse_filters
from catalog.items import upsert_items
from catalog.profiles import forget_profile, save_profile
from catalog.types import ItemInput
from search import lexical
from search.facet_words import build_facet_words
from search.retrieval import retrieve
from search.types import SORTS, SearchRequest

pytestmark = pytest.mark.django_db
ITEMS = 90
WORDS = ("space", "robot", "garden", "night")
COLORS = ("red", "blue", "green")


def item(n):
    return ItemInput(
        external_id=f"i{n}",
        title=f"{WORDS[n % 4]} {WORDS[n // 4 % 4]} {n}",
        description="adventure" if n % 3 else "adventure story",
        category_paths=[("Toys/Robots", "Toys/Games", "Books")[n % 3]],
        creators=[f"Maker {n % 7}"],
        countries=[("France", "Germany")[n % 2]] if n % 5 else [],
        year=1950 + n if n % 8 else None,
        price=Decimal(n * 7) / 2 if n % 4 else None,
        attributes={"color": [COLORS[n % 3], COLORS[n // 3 % 3]], "length_cm": n % 11},
    )


@pytest.fixture(scope="module")
def things(django_db_setup, django_db_blocker):
    from django.db import connection, transaction

    with django_db_blocker.unblock(), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        save_profile(range_facet="year", facet_attributes=["color", "length_cm"])
        upsert_items(items=[item(n) for n in range(ITEMS)])
        build_facet_words()
        yield
        transaction.set_rollback(True)
    forget_profile()


filters = st.builds(
    ItemFilters,
    category=st.sampled_from([(), ("Toys",), ("Toys/Games", "Books")]),
    creator=st.sampled_from([(), ("Maker 1",), ("Maker 1", "Maker 2")]),
    country=st.sampled_from([(), ("France",)]),
    year=st.sampled_from([None, Range(low=Decimal(1960), high=Decimal(1999))]),
    attributes=st.sampled_from(
        [
            (),
            (("color", ("red",)),),
            (("color", ("red", "blue")), ("length_cm", Range(high=Decimal(5)))),
        ]
    ),
)
queries = st.sampled_from(
    ["adventure", "robot", "space adventure", "red robot", "german adventure", "-garden adventure",
     '"adventure story"', "adventure by maker 1", "under 5 cm adventure", "toys", ""]
)  # fmt: skip


@pytest.mark.usefixtures("things")
@pytest.mark.parametrize("looked_at", [5, 1_000])
@settings(deadline=None, max_examples=12)
@given(query=queries, filters=filters, sort=st.sampled_from(SORTS), size=st.integers(7, 40))
def test_pages_add_up_to_the_total_and_counts_keep_their_promise(
    looked_at, query, filters, sort, size
):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lexical, "MAX_MATCHES", looked_at)
        asked = SearchRequest(query=query, filters=filters, sort=sort, per_page=size)
        first = retrieve(asked)
        pages = [first, *(retrieve(replace(asked, page=n)) for n in range(2, first.pages + 1))]
        shown = [hit.item.pk for each in pages for hit in each.hits]
        assert {each.total for each in pages} == {len(shown)}
        assert len(set(shown)) == len(shown)
        assert retrieve(replace(asked, page=first.pages + 1)).hits == ()
        places = [hit.position for each in pages for hit in each.hits]
        assert places == list(range(1, len(shown) + 1))
        if sort == "relevance":
            scores = [hit.score for each in pages for hit in each.hits]
            assert scores == sorted(scores, reverse=True)
        for facet in first.facets:
            for value in facet.values[:3]:
                others = filters.without(facet.key).as_params()
                params = {}
                for name, text in [*others, (facet.key, value.value)]:
                    params.setdefault(name, []).append(text)
                chosen = parse_filters(params, attributes=["color", "length_cm"])
                assert retrieve(replace(asked, filters=chosen)).total == value.count


@pytest.mark.usefixtures("things")
@pytest.mark.parametrize("query", ["adventure", "robot", "german adventure"])
def test_how_many_are_looked_at_changes_no_count(query, monkeypatch):
    asked = SearchRequest(query=query, per_page=100)
    whole = retrieve(asked)
    monkeypatch.setattr(lexical, "MAX_MATCHES", 5)
    few = retrieve(asked)
    assert few.total == whole.total
    assert few.facets == whole.facets
    assert {hit.item.pk for hit in few.hits} == {hit.item.pk for hit in whole.hits}


@pytest.mark.usefixtures("things")
def test_a_narrow_filter_finds_all_that_match_beyond_what_is_looked_at(monkeypatch):
    # One item in ninety, which a ranking of five would never have met.
    monkeypatch.setattr(lexical, "MAX_MATCHES", 5)
    only = ItemFilters(year=Range(low=Decimal(2039), high=Decimal(2039)))
    found = retrieve(SearchRequest(query="adventure", filters=only))
    assert [hit.item.external_id for hit in found.hits] == ["i89"]
    assert found.total == 1


@pytest.mark.usefixtures("things")
def test_items_without_a_number_are_in_no_range_and_lists_hold_each_value():
    every = SearchRequest(query="adventure", per_page=100)
    inside = ItemFilters(attributes=(("length_cm", Range(low=Decimal(10))),))
    assert retrieve(replace(every, filters=inside)).total == sum(n % 11 >= 10 for n in range(ITEMS))
    red = ItemFilters(attributes=(("color", ("red",)),))
    expected = sum("red" in item(n).attributes["color"] for n in range(ITEMS))
    assert retrieve(replace(every, filters=red)).total == expected
