from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.filters import ItemFilters, Range, parse_filters
from catalog.items import upsert_items
from catalog.models import Item, Profile
from catalog.types import ItemInput
from search import facet_counts
from search.candidates import Candidate, failing_facets, load_candidates
from search.facet_counts import count_rows
from search.facets import build_facets, count_candidates
from search.item_sets import ItemSet

# What categories are called stands beside the profile.
pytestmark = pytest.mark.django_db
PROFILE = Profile(range_facet="year", creator_noun="director", category_noun="genre")
SHOP = Profile(range_facet="price")


def candidate(item_id, *, category=(), creator=(), country=(), year=None, price=None):
    return Candidate(item_id, "x", category, creator, country, year, price, 0.0, 0)


rows = st.lists(
    st.builds(
        candidate,
        st.integers(),
        category=st.lists(st.sampled_from(["A", "A/b", "A/c", "B"]), max_size=3),
        creator=st.lists(st.sampled_from(["x", "y", "z"]), max_size=2),
        country=st.lists(st.sampled_from(["F", "G"]), max_size=2),
        year=st.none() | st.integers(1950, 1990),
        price=st.none() | st.decimals("0", "500", places=2),
    ),
    max_size=25,
)
filters = st.builds(
    ItemFilters,
    category=st.sampled_from([(), ("A",), ("A/b", "B")]),
    creator=st.sampled_from([(), ("x",), ("x", "y")]),
    country=st.sampled_from([(), ("F",)]),
    year=st.sampled_from(
        [None, Range(low=Decimal(1960), high=Decimal(1969)), Range(low=Decimal(1970))]
    ),
    price=st.sampled_from([None, Range(high=Decimal(100))]),
)


@settings(deadline=None)
@given(rows=rows, filters=filters, profile=st.sampled_from([PROFILE, SHOP]))
def test_a_count_is_what_choosing_the_value_yields(rows, filters, profile):
    passing, counts = count_candidates(rows, filters, profile)
    assert passing == [row for row in rows if not failing_facets(row, filters)]
    for facet in build_facets(counts, filters, profile):
        others = dict(_params(filters.without(facet.key)))
        for value in facet.values:
            chosen = parse_filters({**others, facet.key: [value.value]})
            assert value.count == sum(not failing_facets(row, chosen) for row in rows)


def _params(filters):
    found = {}
    for name, value in filters.as_params():
        found.setdefault(name, []).append(value)
    return found


@settings(deadline=None)
@given(rows=rows)
def test_steps_of_a_range_hold_every_value_once(rows):
    for profile, facet in ((PROFILE, "year"), (SHOP, "price")):
        _, counts = count_candidates(rows, ItemFilters(), profile)
        shown = [f for f in build_facets(counts, ItemFilters(), profile) if f.key == facet]
        total = sum(value.count for each in shown for value in each.values)
        assert total == sum(getattr(row, facet) is not None for row in rows)


def test_categories_open_below_the_chosen_one():
    rows = [
        candidate(n, category=path) for n, path in enumerate([("A", "A/b"), ("A", "A/c"), ("B",)])
    ]
    closed = _values(rows, ItemFilters(), "category")
    opened = _values(rows, ItemFilters(category=("A",)), "category")
    assert closed == {"A": 2, "B": 1}
    assert opened == {"A": 2, "B": 1, "A/b": 1, "A/c": 1}


def test_twelve_values_are_shown_and_the_chosen_one_always():
    rows = [candidate(n, creator=(f"c{n % 20}",)) for n in range(59)]
    assert len(_values(rows, ItemFilters(), "creator")) == 12
    assert _values(rows, ItemFilters(creator=("c19",)), "creator")["c19"] == 2


def test_facets_are_called_as_the_profile_says_and_ranges_have_bounds():
    rows = [candidate(1, category=("A",), creator=("x",), year=1961), candidate(2, year=1985)]
    _, counts = count_candidates(rows, ItemFilters(), PROFILE)
    found = {facet.key: facet for facet in build_facets(counts, ItemFilters(), PROFILE)}
    assert (found["creator"].label, found["category"].label) == ("director", "genre")
    assert found["year"].bounds == (1961.0, 1985.0)
    assert [value.label for value in found["year"].values] == ["1980s", "1960s"]
    assert "country" not in found


def _values(rows, filters, key):
    _, counts = count_candidates(rows, filters, PROFILE)
    built = build_facets(counts, filters, PROFILE)
    return {v.value: v.count for facet in built if facet.key == key for v in facet.values}


@pytest.mark.parametrize("profile", [PROFILE, SHOP])
def test_counting_in_the_database_equals_counting_the_rows(profile):
    items = [
        ItemInput(
            external_id=f"i{n}",
            title=f"Item {n}",
            category_paths=[("A/b", "A/c", "B")[n % 3]],
            creators=["x", "y"][: n % 3],
            countries=["F"] if n % 2 else [],
            year=1950 + n if n % 4 else None,
            price=Decimal(n * 7) / 2,
            is_hidden=n % 5 == 0,
        )
        for n in range(40)
    ]
    upsert_items(items=items)
    rows = [
        candidate(
            n,
            category=("A", item.category_paths[0]) if n % 3 < 2 else ("B",),
            creator=item.creators,
            country=item.countries,
            year=item.year,
            price=item.price,
        )
        for n, item in enumerate(items)
        if not item.is_hidden
    ]
    for filters in (
        ItemFilters(),
        ItemFilters(category=("A",), country=("F",)),
        ItemFilters(year=Range(low=Decimal(1960)), price=Range(high=Decimal(100)), creator=("x",)),
    ):
        total, counts = count_rows(ItemSet().rows(), filters, profile)
        passing, expected = count_candidates(rows, filters, profile)
        assert total == len(passing)
        assert {facet: dict(values) for facet, values in counts.items()} == {
            facet: dict(values) for facet, values in expected.items()
        }


def test_beyond_a_thousand_values_the_shown_ones_and_all_numbers_are_right(monkeypatch):
    # A bound of its own, so that few items do.
    monkeypatch.setattr(facet_counts, "MOST_VALUES", 12)
    profile = Profile(range_facet="price", facet_attributes=["size", "color"])
    inputs = [
        ItemInput(
            external_id=f"i{n}",
            title=f"Item {n}",
            # Each creator once: which twelve are shown is a matter of the alphabet alone.
            creators=[f"{'zÄaéZA'[n % 6]}{n:03}"],
            price=Decimal(n) / 4,
            attributes={"size": [n, n, n / 2], "color": [f"c{n}", "red"] if n % 3 else f"c{n}"},
        )
        for n in range(60)
    ]
    upsert_items(items=inputs)
    rows = list(load_candidates(list(Item.objects.values_list("pk", flat=True))).values())
    with_keys = [
        replace(row, attributes=item.attributes)
        for row, item in zip(
            sorted(rows, key=lambda row: int(row.title.split()[1])), inputs, strict=True
        )
    ]
    chosen = ItemFilters(creator=("z000", "Z052"), attributes=(("color", ("c7", "red")),))
    for filters in (ItemFilters(), chosen):
        total, counts = count_rows(ItemSet().rows(), filters, profile)
        passing, expected = count_candidates(with_keys, filters, profile)
        assert total == len(passing)
        assert build_facets(counts, filters, profile) == build_facets(expected, filters, profile)
    assert len(counts["price"]) == len(expected["price"])


def test_all_facets_of_a_set_are_counted_in_one_statement(django_assert_num_queries):
    profile = Profile(range_facet="price", facet_attributes=["size", "color"])
    with django_assert_num_queries(1):
        assert count_rows(ItemSet().rows(), ItemFilters(), profile)[0] == 0
    both = ItemFilters(country=("F",), year=Range(low=Decimal(1960)))
    with django_assert_num_queries(2):
        assert count_rows(ItemSet().rows(), both, profile)[0] == 0
