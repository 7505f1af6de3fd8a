"""Counts that are kept are those that counting would give, whatever is committed or taken back."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from catalog.filters import ItemFilters
from catalog.items import upsert_items
from catalog.models import Item, Profile
from catalog.types import ItemInput
from search import catalog_changes
from search.facet_counts import count_rows
from search.item_sets import ItemSet
from search.set_counts import count

pytestmark = pytest.mark.django_db(transaction=True)
PROFILE = Profile(range_facet="year")
ALL = ItemFilters()


@pytest.fixture(autouse=True)
def empty_cache():
    cache.clear()
    yield
    cache.clear()


def make(*numbers, **given):
    upsert_items(items=[item(n, **given) for n in numbers])


def item(n, **given):
    year, makers = 1950 + n, [f"m{n % 3}"]
    return ItemInput(external_id=f"i{n}", title=f"Item {n}", year=year, creators=makers, **given)


def counted(filters=ALL):
    """(what is told, whether it was counted for it); told is what counting gives."""
    with CaptureQueriesContext(
        connection,
    ) as asked:
        told = count(ItemSet(), filters, PROFILE)
    assert told == count_rows(ItemSet().rows(), filters, PROFILE)
    return told, any("GROUPING SETS" in query["sql"] for query in asked)


def test_the_second_time_nothing_is_counted_until_an_item_changes():
    make(1, 2, 3)
    first, was_counted = counted()
    assert was_counted
    assert counted() == (first, False)
    make(4)
    assert counted()[1]
    Item.objects.filter(external_id="i4").update(is_hidden=True)
    again, was_counted = counted()
    assert was_counted
    assert again == first
    Item.objects.filter(external_id="i4").delete()
    assert counted()[1]
    assert not counted()[1]


def test_filters_and_sets_have_counts_of_their_own():
    make(*range(9))
    one = ItemFilters(creator=("m1",))
    for filters in (ALL, one, ItemFilters(creator=("m2",))):
        assert counted(filters)[1]
    for filters in (ALL, one, ItemFilters(creator=("m2",))):
        assert not counted(filters)[1]
    key = Item.objects.get(external_id="i3").pk
    shown = ItemSet(within=one, others={key})
    assert count(shown, ALL, PROFILE) == count_rows(shown.rows(), ALL, PROFILE)
    assert count(shown, ALL, PROFILE)[0] == 4


def test_what_was_taken_back_leaves_nothing_behind():
    make(1)
    before = catalog_changes.version()

    with transaction.atomic():
        make(2, 3)
        assert catalog_changes.version() is None
        assert count(ItemSet(), ALL, PROFILE)[0] == 3
        transaction.set_rollback(True)
    assert catalog_changes.version() == before
    assert counted()[0][0] == 1
    make(4)
    assert counted()[0][0] == 2


def test_a_part_that_is_taken_back_does_not_hide_the_change_after_it():
    make(1)
    assert counted()[0][0] == 1
    with transaction.atomic():
        try:
            with transaction.atomic():
                make(2)
                raise ValueError
        except ValueError:
            make(3)
    assert counted()[0][0] == 2


def test_two_writers_at_once_are_both_seen():
    make(1)
    before = catalog_changes.version()

    def late():
        try:
            make(5)
        finally:
            connection.close()

    with transaction.atomic(), ThreadPoolExecutor(1) as pool:
        make(4)
        # Another transaction begins later and is over sooner.
        pool.submit(late).result(timeout=20)
        with ThreadPoolExecutor(1) as other:
            between = other.submit(_version_there).result(timeout=20)
    assert len({before, between, catalog_changes.version()}) == 3
    assert counted()[0][0] == 3


def _version_there():
    try:
        return catalog_changes.version()
    finally:
        connection.close()


def test_an_item_that_comes_by_its_date_is_counted_then(monkeypatch):
    soon = timezone.now() + timedelta(hours=1)
    make(1)
    make(2, available_from=soon)
    make(3, available_until=soon + timedelta(hours=1))
    assert count(ItemSet(), ALL, PROFILE)[0] == 2
    for hours, expected in ((0.5, 2), (1.5, 3), (1.7, 3), (2.5, 2)):
        now = soon - timedelta(hours=1) + timedelta(hours=hours)
        monkeypatch.setattr(timezone, "now", lambda now=now: now)
        assert counted()[0][0] == expected


def test_folding_changes_nothing_that_is_known():
    for n in range(5):
        make(n)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM search_catalogchange")
        assert cursor.fetchone()[0] >= 5
    known, version = counted()[0], catalog_changes.version()
    catalog_changes.fold()
    assert catalog_changes.version() == version
    assert counted() == (known, False)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM search_catalogchange")
        assert cursor.fetchone()[0] == 1
    catalog_changes.fold()
    assert catalog_changes.version() == version


def test_an_emptied_catalog_is_another_one():
    make(1)
    before = catalog_changes.version()
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE catalog_item, search_catalogchange CASCADE")
    assert catalog_changes.version() != before
    assert counted()[0][0] == 0


def test_without_a_cache_it_counts(settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    make(1, 2)
    assert counted()[1]
    assert counted()[1]
