"""The ablations of the unified model: each changes one thing, and runs on a small folder."""

import sys
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
import torch

from benchmarks import unified_parts
from benchmarks.unified_parts import BLINDED, OTHER_RANKERS, PARTS, WHOLE
from recs.ml.unified.joint_benchmark import JointOptions, learn_systems, read_windows
from recs.ml.unified.joint_files import read_joint
from tests.recs.ml.unified.joint_world import encode, write_films
from tests.recs.ml.unified.small import CPU, PERSON, RANKER, UNIFIED

SMALL = JointOptions(
    mixes="none", most_requests=40, most_taught=100, most_validated=30,
    unified=replace(UNIFIED, fit=replace(UNIFIED.fit, epochs=1)),
    ranker=replace(RANKER, fit=replace(RANKER.fit, epochs=1)), run=CPU, person=PERSON,
)  # fmt: skip


@pytest.mark.parametrize("name", [name for name in PARTS if name != WHOLE])
def test_each_part_changes_something(name):
    whole = PARTS[WHOLE](SMALL)
    assert replace(whole, rankers={}) == SMALL
    assert set(whole.rankers) == set(OTHER_RANKERS)
    changed = PARTS[name](SMALL)
    assert changed != SMALL
    same = replace(changed, unified=SMALL.unified, ranker=SMALL.ranker)
    assert same == SMALL


def test_a_part_is_run_once_and_stands_in_the_table(tmp_path, monkeypatch, capsys):
    folder = write_films(tmp_path / "films")
    monkeypatch.setattr(unified_parts, "FOLDER", tmp_path / "kept")
    monkeypatch.setattr(unified_parts, "_encoded", lambda _: encode)
    monkeypatch.setattr(unified_parts, "JointOptions", lambda **given: replace(SMALL, **given))
    command = ["parts", "--data", str(folder), "--test-from", "2010-07-01"]
    monkeypatch.setattr(sys, "argv", [*command, "--no-other-rankers", "--only", WHOLE, "no task"])
    unified_parts.main()
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    assert sum(line.startswith("| no task |") for line in lines) == 2
    # One part, and what the item tower reads less: of the towers alone, and of the whole.
    assert sum("%" in line for line in lines) == 2 * (1 + len(BLINDED))
    monkeypatch.setattr(unified_parts, "read_windows", None)
    monkeypatch.setattr(sys, "argv", [*command, "--table"])
    unified_parts.main()
    again = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    assert again == lines


def test_other_rankers_are_learned_over_the_same_towers(tmp_path, monkeypatch, capsys):
    folder = write_films(tmp_path / "films")
    two = dict(list(OTHER_RANKERS.items())[:2])
    monkeypatch.setattr(unified_parts, "OTHER_RANKERS", two)
    monkeypatch.setattr(unified_parts, "FOLDER", tmp_path / "kept")
    monkeypatch.setattr(unified_parts, "_encoded", lambda _: encode)
    monkeypatch.setattr(unified_parts, "JointOptions", lambda **given: replace(SMALL, **given))
    monkeypatch.setattr(
        sys, "argv",
        ["parts", "--data", str(folder), "--test-from", "2010-07-01", "--only", WHOLE],
    )  # fmt: skip
    unified_parts.main()
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    for name in two:
        assert sum(line.startswith(f"| {name} |") and "%" in line for line in lines) == 1
    kept = np.load(next((tmp_path / "kept").rglob("whole-0.npz")))
    assert all((kept[name] != kept["unified"]).any() for name in two)
    for kind in unified_parts.KINDS:
        for name in BLINDED:
            assert (kept[f"{kind}, {name}"] != kept[kind]).any()


def test_items_alone_are_blinded_and_the_system_stays_as_it_was(tmp_path):
    """Zeros in place of graph vectors: other items, the same weights, words and ranker's facts."""
    data = read_joint(write_films(tmp_path / "films"))
    windows = read_windows(data, encode, datetime(2010, 7, 1, tzinfo=UTC), SMALL)
    system = learn_systems(windows, SMALL)["unified"]
    before = system.retriever.items.copy()
    found = unified_parts.blinded(system, windows, BLINDED["items without graph"])
    assert (found.retriever.items != before).any()
    assert np.array_equal(system.retriever.items, before)
    assert found.ranker.scores is system.ranker.scores
    assert found.ranker.reader.facts().items.graph.any()
    weights, own = found.retriever.towers.state_dict(), system.retriever.towers.state_dict()
    changed = [name for name in own if not torch.equal(own[name], weights[name])]
    assert changed == ["catalogue"]
    same = unified_parts.blinded(system, windows, lambda items: items)
    assert np.allclose(same.retriever.items, before, atol=1e-6)
