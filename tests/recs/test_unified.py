"""The unified model from events to answers: one index, three surfaces, reasons that are true."""

import pytest

from catalog.models import Person
from catalog.types import Viewer
from recs.history import read_history
from recs.models import ItemVector
from recs.unified import TASKS, UnifiedAsk, ranking_of
from tests.recs.unified_world import EACH, GROUPS, learned, make_world


@pytest.fixture
def ids(db, settings, tmp_path):
    settings.RECS_ARTIFACT_DIR = tmp_path / "artifacts"
    return make_world()


@pytest.fixture
def version(ids):
    run = learned()
    assert run.version.manifest_sha256
    return run.version


def viewer(name):
    return Viewer(person_id=Person.objects.get(external_id=name).pk)


def test_events_become_a_version_that_is_judged_surface_by_surface(ids, version):
    assert version.state in ("live", "refused")
    assert {part["name"] for part in version.gate["slices"]} == set(TASKS)
    assert set(version.gate["surfaces"]) <= set(TASKS)
    assert version.metrics["searches_asked"] == 0
    assert version.metrics["searches_made"] > 0
    assert ItemVector.objects.filter(version=version).count() == len(ids)
    assert version.metrics["index_recall@100"] > 0.96
    names = [row["name"] for row in version.metrics["quality"]]
    assert names[:2] == ["off", "found"]


def test_the_same_search_by_two_people_gives_two_orders(ids, version):
    found = {}
    for name in ("p0", "p1"):
        who = viewer(name)
        ask = UnifiedAsk(
            surface="search", viewer=who, text="tale", history=read_history(viewer=who)
        )
        found[name] = ranking_of(version, ask).ids
    assert found["p0"] != found["p1"]
    by_key = {key: name for name, key in ids.items()}
    for name, own in (("p0", GROUPS[0]), ("p1", GROUPS[1])):
        top = [by_key[key].split("-")[0] for key in found[name][:EACH]]
        assert top.count(own) > EACH / 2
