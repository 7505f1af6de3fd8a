"""Latency with the model and without: every surface is asked both ways, and its switch put back."""

import pytest

from benchmarks import unified_serving_report
from benchmarks.unified_asks import read_asks, read_items
from catalog.models import Answer
from recs import registry
from recs.models import Surface
from tests.recs.unified_world import learned_version, make_world


@pytest.fixture
def version(db, settings, tmp_path):
    settings.RECS_ARTIFACT_DIR = tmp_path / "artifacts"
    make_world()
    version = learned_version()
    registry.promote(version=version)
    return version


def test_every_surface_is_asked_both_ways(version, monkeypatch, capsys):
    monkeypatch.setattr(unified_serving_report, "WARM", 1)
    monkeypatch.setattr(unified_serving_report, "BLOCK", 2)
    kept = Surface.objects.create(key="home", engine=Surface.Engine.AUTO, control_percent=5)
    unified_serving_report.report(3)
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    assert len(lines) == 1 + 2 * 3
    kept.refresh_from_db()
    assert (kept.engine, kept.control_percent) == (Surface.Engine.AUTO, 5)
    assert not Surface.objects.exclude(pk=kept.pk).exists()
    engines = set(Answer.objects.values_list("surface", "model_version"))
    for surface in ("search", "home", "item"):
        assert {name for key, name in engines if key == surface} == {"", version.name}


def test_an_index_is_asked_what_requests_would_ask(version):
    items, asks = read_items(), read_asks(6)
    assert items.shape[1] == asks.shape[1] == version.dimensions + 1
    assert not asks[:, -1].any()
    assert len({tuple(row.round(4)) for row in asks}) > 3
