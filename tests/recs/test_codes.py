from datetime import UTC, datetime

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.errors import InvalidInput
from catalog.items import patch_item
from catalog.models import Item
from catalog.types import ItemInput
from recs import pipeline, registry
from recs.code_assignment import KIND, assign, assign_pending, path_of, semantic_ids
from recs.codes import build_codes, is_outdated, name_kinds, rename_kind, why_not
from recs.content import content_vectors, ensure_modality, live_versions
from recs.errors import NoLiveVersion, UnusableVersion
from recs.ml.code_report import report
from recs.ml.semantic_ids import SemanticIdConfig, random_codes
from recs.models import CodeName, ContentVersion, ItemCode, ModelVersion
from recs.versions import ensure_version, promote
from tests.recs.conftest import make_items, write_vectors
from tests.recs.versions import promoted

pytestmark = pytest.mark.django_db

SMALL = SemanticIdConfig(levels=3, codes=3, flat=4)


def codes_of(version):
    rows = ItemCode.objects.filter(version=version).order_by("item_id")
    return list(rows.values_list("item_id", "flat", "path", "collision", "input_hash"))


def add_film(name, vector, **fields):
    """An item whose text has this vector."""
    ids = make_items([ItemInput(external_id=name, title=name, **fields)])
    write_vectors(ensure_version(), {ids[name]: vector})
    return ids[name]


def vector_of(item_id):
    return content_vectors([item_id])["text"][0]


def test_every_item_gets_codes_and_items_of_a_group_the_same_first_one(world):
    version = build_codes(config=SMALL)
    assert registry.live(KIND) == version
    rows = ItemCode.objects.filter(version=version).select_related("item")
    assert len(rows) == 42
    first = {}
    for row in rows:
        first.setdefault(row.item.category_paths[0], set()).add(row.codes[0])
        assert row.path == path_of(row.codes)
        assert 0 <= row.flat < 4
    assert sorted(len(codes) for codes in first.values()) == [1, 1, 1]
    assert len(set.union(*first.values())) == 3


def test_a_rebuild_gives_the_same_codes_collisions_included(world):
    one, two = build_codes(config=SMALL), build_codes(config=SMALL)
    assert one != two
    assert codes_of(one) == codes_of(two)
    assert any(collision for *_, collision, _ in codes_of(one))


def test_an_id_means_one_item(world):
    version = build_codes(config=SMALL)
    whole = [(path, collision) for _, _, path, collision, _ in codes_of(version)]
    assert len(set(whole)) == 42


def test_new_items_get_codes_and_change_nobody_elses(world):
    version = build_codes(config=SMALL)
    before = codes_of(version)
    near = world["drama-0"]
    item = add_film("new", vector_of(near))
    assert assign_pending() == 1
    mine = ItemCode.objects.get(version=version, item=item)
    assert mine.codes == ItemCode.objects.get(version=version, item=near).codes
    assert [row for row in codes_of(version) if row[0] != item] == before
    taken = ItemCode.objects.filter(version=version, path=mine.path).exclude(item=item)
    assert mine.collision == max(taken.values_list("collision", flat=True)) + 1
    assert assign_pending() == 0


def test_changed_content_changes_the_codes_and_keeps_the_number_where_they_stay(world):
    version = build_codes(config=SMALL)
    item, other = world["drama-0"], world["western-0"]
    before = ItemCode.objects.get(version=version, item=item)
    patch_item(external_id="drama-0", changes={"description": "Told anew."})
    write = ensure_version().embeddings.filter(item_id=item)
    write.update(input_hash="another")
    assert assign_pending() == 1
    after = ItemCode.objects.get(version=version, item=item)
    assert (after.path, after.collision) == (before.path, before.collision)
    write.update(input_hash="a third", vector=vector_of(other).tolist())
    assert assign_pending() == 1
    moved = ItemCode.objects.get(version=version, item=item)
    assert moved.codes[0] == ItemCode.objects.get(version=version, item=other).codes[0]


def test_codes_of_many_items_take_few_queries(world):
    version = build_codes(config=SMALL)
    ItemCode.objects.filter(version=version).delete()
    with CaptureQueriesContext(
        connection,
    ) as few:
        assert assign(version) == 42
    assert len(few) <= 12


def test_covers_follow_the_live_codes(world):
    version = build_codes(config=SMALL)
    item = Item.objects.get(external_id="drama-0")
    assert item.cover_codes == ItemCode.objects.get(version=version, item=item).codes
    other = build_codes(config=SemanticIdConfig(levels=2, codes=5), seed=1)
    item.refresh_from_db()
    assert item.cover_codes == ItemCode.objects.get(version=other, item=item).codes
    registry.roll_back(kind=KIND)
    assign_pending()
    item.refresh_from_db()
    assert item.cover_codes == ItemCode.objects.get(version=version, item=item).codes


def test_versions_that_a_live_version_reads_go_on_getting_codes(world):
    read = build_codes(config=SMALL)
    user_model = promoted("reader")
    ModelVersion.objects.filter(pk=user_model.pk).update(semantic_version=read)
    newer = build_codes(config=SMALL, seed=1)
    item = add_film("new", vector_of(world["drama-0"]))
    assert assign_pending() == 2
    assert set(ItemCode.objects.filter(item=item).values_list("version", flat=True)) == {
        read.pk,
        newer.pk,
    }
    ModelVersion.objects.filter(pk=user_model.pk).update(semantic_version=None)
    add_film("newer", vector_of(world["drama-0"]))
    assert assign_pending() == 1


def test_only_items_of_then_decide_on_the_codes(world):
    as_of = datetime(2000, 1, 1, tzinfo=UTC)
    version = build_codes(config=SMALL, as_of=as_of)
    fitted = registry.load(version).vocabulary
    years = Item.objects.in_bulk([int(key) for key in fitted.item_ids]).values()
    assert {item.year for item in years} == set(range(1990, 2000))
    assert ItemCode.objects.filter(version=version).count() == 42


def test_without_content_there_are_no_codes(db):
    with pytest.raises(NoLiveVersion):
        build_codes()
    ensure_version()
    make_items([ItemInput(external_id="a", title="A")])
    with pytest.raises(NoLiveVersion):
        build_codes()


def test_a_single_item_has_codes(db):
    item = add_film("only", np.eye(384, dtype=np.float32)[0])
    version = build_codes()
    assert ItemCode.objects.get(version=version, item_id=item).path == "000.000.000"


def test_codes_that_say_nothing_are_refused(world, monkeypatch):
    monkeypatch.setattr("recs.codes.LEAST_JUDGED", 10)
    live = build_codes(config=SMALL)
    monkeypatch.setattr(
        "recs.codes._report",
        lambda made, vectors, seed: report(
            vectors["text"], random_codes(42, (3, 3, 3), seed=0), (3, 3, 3)
        ),
    )
    refused = build_codes(config=SMALL, seed=1)
    assert refused.state == ModelVersion.State.REFUSED
    assert "say nothing" in refused.gate["reasons"][0]
    assert registry.live(KIND) == live


def test_good_codes_pass(world, monkeypatch):
    monkeypatch.setattr("recs.codes.LEAST_JUDGED", 10)
    ids = semantic_ids(build_codes(config=SMALL)).residual
    vectors = content_vectors(list(world.values()))
    told = report(ids.space.embed(vectors), ids.assign(vectors), ids.sizes)
    assert why_not(told) == []


def test_a_tampered_folder_gives_no_codes(world):
    version = build_codes(config=SMALL)
    (registry.folder(version) / "tensors.safetensors").write_bytes(b"other")
    from recs.code_assignment import _semantic_ids

    _semantic_ids.cache_clear()
    add_film("new", vector_of(world["drama-0"]))
    with pytest.raises(UnusableVersion):
        assign_pending()


def test_a_new_text_encoder_makes_the_codes_outdated(world):
    version = build_codes(config=SMALL)
    assert not is_outdated(version)
    newer = ContentVersion.objects.create(
        encoder="another", revision="1", template="t", dimensions=384
    )
    promote(version=newer)
    assert is_outdated(version)


def test_a_second_modality_enters_the_codes_and_searches_stay_with_the_text(world):
    sound = ensure_modality(
        modality="audio", encoder="ears", revision="1", template="wave", dimensions=6
    )
    rng = np.random.default_rng(0)
    loud = {pk: rng.normal(size=6).astype(np.float32) for pk in list(world.values())[:20]}
    write_vectors(sound, loud)
    assert live_versions()["text"] == ensure_version()
    assert ContentVersion.objects.live().get() == ensure_version()
    version = build_codes(config=SMALL)
    assert semantic_ids(version).residual.space.modalities == ("audio", "text")
    assert ItemCode.objects.filter(version=version).count() == 42
    sound.embeddings.filter(item_id=world["drama-0"]).update(input_hash="another")
    assert assign_pending() == 1


def test_vectors_are_read_as_they_were_written(world):
    ids = list(world.values())
    found = content_vectors([*ids[::-1], 10**9])["text"]
    assert found.shape == (43, 384)
    assert not found[42].any()
    rows = ensure_version().embeddings.filter(item_id=ids[3]).values_list("vector", flat=True)
    assert np.array_equal(found[38], np.asarray(rows[0], np.float32))


def test_kinds_get_names_and_a_persons_name_stays(world):
    version = build_codes(config=SMALL)
    names = dict(CodeName.objects.filter(version=version).values_list("path", "name"))
    first = {path for path in names if "." not in path}
    assert {names[path] for path in first} == {"Drama", "Comedy", "Western"}
    drama = next(path for path in first if names[path] == "Drama")
    rename_kind(version=version, path=drama, name="  Quiet   dramas ")
    name_kinds(version)
    kept = CodeName.objects.get(version=version, path=drama)
    assert (kept.name, kept.source) == ("Quiet dramas", "person")
    assert CodeName.objects.filter(version=version).count() == len(names)


@pytest.mark.parametrize(("path", "name"), [("000", " "), ("000", "x" * 201), ("999", "A kind")])
def test_a_name_that_cannot_be_given_is_refused(world, path, name):
    version = build_codes(config=SMALL)
    with pytest.raises(InvalidInput):
        rename_kind(version=version, path=path, name=name)


def test_the_encoding_task_gives_codes_to_a_film_at_once(world):
    version = build_codes(config=SMALL)
    ids = make_items([ItemInput(external_id="posted", title="A posted film")])
    assert pipeline.encode_items() == 1
    row = ItemCode.objects.get(version=version, item_id=ids["posted"])
    assert Item.objects.get(pk=ids["posted"]).cover_codes == row.codes


def test_the_sweep_gives_codes_where_the_task_was_killed_in_between(world):
    build_codes(config=SMALL)
    item = add_film("encoded only", vector_of(world["drama-0"]))
    assert pipeline.encode_items() == 0
    assert ItemCode.objects.filter(item_id=item).exists()


def test_the_command_reports_and_names(world, capsys):
    call_command("build_codes", codes=3)
    told = capsys.readouterr().out
    assert "42 items" in told
    assert "level 3: " in told
    call_command("build_codes", names_only=True)
    assert "kinds named" in capsys.readouterr().out


def test_the_command_says_what_is_wrong(db):
    with pytest.raises(CommandError, match="count from 1"):
        call_command("build_codes", levels=0)
    with pytest.raises(CommandError, match="no codes yet"):
        call_command("build_codes", names_only=True)
