import pytest
from django.core.cache import cache

from catalog.items import set_hidden
from catalog.models import Item
from catalog.types import ItemInput
from recs.codes import build_codes, rename_kind
from recs.content import content_vectors
from recs.kinds import (
    address_of,
    first_kinds,
    items_of_kind,
    kind_of_item,
    kinds_below,
    live_codes,
    more_of_kind,
    most_wanted,
    path_at,
    trail_of,
)
from recs.ml.semantic_ids import SemanticIdConfig
from recs.models import CodeName, ItemCode, ItemPopularity
from recs.versions import ensure_version
from tests.recs.conftest import make_items, write_vectors

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(world):
    return build_codes(config=SemanticIdConfig(levels=3, codes=3, flat=4))


def codes(version):
    rows = ItemCode.objects.filter(version=version)
    return {row.item_id: tuple(row.codes) for row in rows}


def test_before_there_are_codes_there_are_no_kinds(world):
    assert live_codes() is None


def test_the_first_kinds_hold_every_visible_item_the_largest_first(version, world):
    kinds = first_kinds(version)
    assert sum(kind.count for kind in kinds) == 42
    assert [kind.count for kind in kinds] == sorted((kind.count for kind in kinds), reverse=True)
    assert {kind.name for kind in kinds} == {"Drama", "Comedy", "Western"}
    set_hidden(external_ids=["drama-0"], hidden=True)
    assert sum(kind.count for kind in first_kinds(version)) == 42  # counted at most once a minute
    cache.clear()
    assert sum(kind.count for kind in first_kinds(version)) == 41


def test_a_kind_consists_of_the_kinds_below_it(version):
    for kind in first_kinds(version):
        below = kinds_below(version, kind.path)
        assert all(one.path.startswith(f"{kind.path}.") and one.count >= 2 for one in below)
        assert sum(one.count for one in below) <= kind.count
        for one in below:
            assert items_of_kind(version, one.path).count() == one.count


def test_the_items_of_a_kind_come_with_the_most_wanted_first(version, world):
    kind = next(one for one in first_kinds(version) if one.name == "Drama")
    items = list(items_of_kind(version, kind.path))
    assert {item.category_paths[0] for item in items} == {"Drama"}
    people = dict(ItemPopularity.objects.values_list("item_id", "people"))
    counts = [people.get(item.pk, 0) for item in items]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > 0
    covers = most_wanted(version, [kind.path, "999"], most=3)
    assert [people[pk] for pk in covers[kind.path]] == counts[:3]
    assert "999" not in covers


def test_what_is_hidden_is_of_no_kind_that_is_shown(version, world):
    kind = next(one for one in first_kinds(version) if one.name == "Drama")
    best = items_of_kind(version, kind.path).first()
    set_hidden(external_ids=[best.external_id], hidden=True)
    assert best not in items_of_kind(version, kind.path)
    assert best.pk not in most_wanted(version, [kind.path], most=50)[kind.path]
    other = items_of_kind(version, kind.path).first()
    assert best.pk not in {one.item_id for one in more_of_kind(version, other.pk, k=50)}


def test_more_of_a_kind_shares_the_longest_prefix_and_then_is_the_nearest(version, world):
    item = world["drama-0"]
    own, of = codes(version)[item], codes(version)
    alike = more_of_kind(version, item, k=50)
    vectors = dict(zip(of, content_vectors(list(of))["text"], strict=True))

    def shared(other):
        return next((n for n in range(3) if own[n] != of[other][n]), 3)

    expected = sorted(
        (pk for pk in of if pk != item and shared(pk)),
        key=lambda pk: (-shared(pk), -float(vectors[pk] @ vectors[item])),
    )
    assert [one.item_id for one in alike] == expected
    assert [one.shared for one in alike] == [shared(pk) for pk in expected]
    assert alike[0].score == pytest.approx(float(vectors[expected[0]] @ vectors[item]), abs=2e-3)
    assert len(more_of_kind(version, item, k=3)) == 3


def test_reading_kinds_takes_few_queries(version, world, django_assert_num_queries):
    path = first_kinds(version)[0].path
    cache.clear()
    with django_assert_num_queries(2):
        first_kinds(version)
    with django_assert_num_queries(0):
        first_kinds(version)
    with django_assert_num_queries(2):
        kinds_below(version, path)
    with django_assert_num_queries(1):
        more_of_kind(version, world["drama-0"], k=12)
    # Two more than that, for the last level has no names of its own.
    with django_assert_num_queries(4):
        kind_of_item(version, world["drama-0"])


def test_an_item_knows_its_codes_and_the_names_of_its_kinds(version, world):
    item = world["drama-0"]
    rename_kind(version=version, path=ItemCode.objects.get(item=item).path[:3], name="Quiet dramas")
    kind = kind_of_item(version, item)
    assert kind.codes == codes(version)[item]
    assert [path for path, _ in kind.kinds] == [kind.path[:3], kind.path[:7], kind.path]
    assert kind.kinds[0][1] == "Quiet dramas"
    assert kind_of_item(version, 10**9) is None


def test_a_kind_without_a_name_is_called_after_its_most_wanted_item(version):
    CodeName.objects.filter(version=version).delete()
    kinds = first_kinds(version)
    wanted = most_wanted(version, [one.path for one in kinds], most=1)
    titles = dict(Item.objects.values_list("pk", "title"))
    assert [one.name for one in kinds] == [f"Like {titles[wanted[one.path][0]]}" for one in kinds]


def test_a_kind_that_nothing_visible_is_of_is_called_by_its_code(version):
    CodeName.objects.filter(version=version).delete()
    Item.objects.update(is_hidden=True)
    assert trail_of(version, "012.200") == (("012", "Kind 12"), ("012.200", "Kind 200"))


def test_a_new_film_finds_its_place_without_anything_being_fitted(version, world):
    ids = make_items([ItemInput(external_id="new", title="New", category_paths=["Drama"])])
    near = content_vectors([world["drama-3"]])["text"][0]
    write_vectors(ensure_version(), {ids["new"]: near})
    from recs.code_assignment import assign_pending

    assign_pending()
    first = more_of_kind(version, ids["new"], k=1)[0]
    assert (first.item_id, first.shared) == (world["drama-3"], 3)
    assert first.score == pytest.approx(1.0, abs=1e-3)
    assert Item.objects.get(pk=ids["new"]) in items_of_kind(version, path_of_item(ids["new"]))


def path_of_item(item_id):
    return ItemCode.objects.get(item_id=item_id).path


@pytest.mark.parametrize(
    ("address", "path"),
    [("12", "012"), ("12.200.7", "012.200.007"), ("012.0", "012.000"), ("0", "000")],
)
def test_addresses_leave_the_zeros_out(address, path):
    assert path_at(address) == path
    assert path_at(address_of(path)) == path


@pytest.mark.parametrize(
    "address", ["", ".", "1.", "1..2", "a", "1234", "-1", "1.x", "٣", "1 ", "1." * 9 + "1"]
)
def test_what_names_no_kind_is_told(address):
    assert path_at(address) is None
