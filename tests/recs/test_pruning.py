import pytest
from django.db import connection

from catalog.models import Item
from recs import hnsw, registry, training_runs
from recs.errors import CannotPromote
from recs.models import CodeName, ItemCode, ItemVector, ModelVersion
from recs.pruning import PruneRule, prune
from tests.recs.versions import AS_OF, USER_MODEL, candidate, promoted

pytestmark = pytest.mark.django_db

RULE = PruneRule(retired=1, candidates=1, refused=1)
SPACE = hnsw.Space(
    table=ItemVector, versions=ModelVersion, compared=hnsw.INNER_PRODUCT, prefix="test_prune"
)


def kept():
    return set(ModelVersion.objects.kept().values_list("name", flat=True))


def test_the_rule_keeps_live_its_predecessors_and_the_newest_of_the_rest():
    for n in range(4):
        promoted(f"live-{n}")
    for n in range(3):
        candidate(f"candidate-{n}")
        registry.refuse(version=candidate(f"refused-{n}"), reasons=["bad"])
    gone = prune(kind=USER_MODEL, rule=RULE)
    assert kept() == {"live-3", "live-2", "live-1", "candidate-2", "refused-2"}
    assert {version.name for version in gone} == {
        "live-0", "candidate-0", "candidate-1", "refused-0", "refused-1",
    }  # fmt: skip
    for version in ModelVersion.objects.all():
        assert registry.folder(version).exists() == (version.pruned_at is None)
    assert prune(kind=USER_MODEL, rule=RULE) == []
    assert registry.roll_back(kind=USER_MODEL).name == "live-2"


def test_vectors_codes_and_index_of_a_pruned_version_go_and_those_of_others_stay():
    old, new = candidate("old"), candidate("new")
    items = [Item.objects.create(external_id=f"i{n}", title="Item") for n in range(5)]
    for version in (old, new):
        ItemVector.objects.bulk_create(
            ItemVector(item=item, version=version, input_hash="x", vector=[item.pk, 1.0])
            for item in items
        )
        ItemCode.objects.create(
            item=items[0], version=version, flat=1, codes=[1, 2], path="001.002", input_hash="x"
        )
        CodeName.objects.create(version=version, path="001", name="Drama")
        hnsw.build_index(SPACE, version)
    prune(kind=USER_MODEL, rule=RULE)
    assert kept() == {"new"}
    for table in (ItemVector, ItemCode, CodeName):
        assert set(table.objects.values_list("version_id", flat=True)) == {new.pk}
    assert not hnsw.has_index(SPACE, old)
    assert hnsw.has_index(SPACE, new)


def test_an_interrupted_prune_is_finished_by_the_next_one():
    old = candidate("old")
    candidate("new")
    place = registry.folder(old)
    ModelVersion.objects.filter(pk=old.pk).update(pruned_at=AS_OF)
    assert place.exists()
    assert prune(kind=USER_MODEL, rule=RULE) == []
    assert not place.exists()


def test_what_was_pruned_cannot_be_promoted_even_with_its_folder_back():
    old = candidate("old")
    ModelVersion.objects.filter(pk=old.pk).update(pruned_at=AS_OF)
    with pytest.raises(CannotPromote, match="pruned"):
        registry.promote(version=old)


def test_codes_that_a_kept_version_reads_are_kept():
    codes = [candidate(f"codes-{n}", kind="semantic_ids") for n in range(3)]
    reader = registry.create_version(
        kind=USER_MODEL, as_of=AS_OF, config={}, semantic_version=codes[0]
    )
    prune(kind="semantic_ids", rule=RULE)
    assert {version.name for version in codes[:1]} | {"codes-2"} == kept() - {reader.name}


def test_the_version_of_an_open_run_is_kept_and_one_without_a_run_is_not():
    lost = registry.create_version(kind=USER_MODEL, as_of=AS_OF, config={}, name="lost")
    run = training_runs.request_run(kind=USER_MODEL)
    at_work = registry.create_version(kind=USER_MODEL, as_of=AS_OF, config={}, name="at-work")
    training_runs.start(run=run)
    training_runs.set_version(run=run, version=at_work)
    assert prune(kind=USER_MODEL, rule=RULE) == [lost]
    assert kept() == {"at-work"}


@pytest.mark.django_db(transaction=True)
def test_pruning_outside_a_transaction_drops_the_index_without_stopping_readers():
    old = candidate("old")
    candidate("new")
    item = Item.objects.create(external_id="i", title="Item")
    ItemVector.objects.create(item=item, version=old, input_hash="x", vector=[1.0, 0.0])
    hnsw.build_index(SPACE, old)
    assert not connection.in_atomic_block
    prune(kind=USER_MODEL, rule=RULE)
    assert not hnsw.has_index(SPACE, old)
