"""The ladder as a command: every labeller on one frozen set, failures shown."""

import csv
import json
import time

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from recs.frozen_labels import of_pairs, read_frozen
from recs.ml.match.ladder import LEARNED
from recs.ml.relevance.pairs import read_pairs
from recs.models import FrozenLabels
from workers import ladder
from workers.ladder import LadderInput, run_ladder, table, write_ladder
from workers.models import LlmCall

pytestmark = pytest.mark.django_db

NOUNS = ("chair", "lamp", "tent", "kettle", "violin", "bicycle", "camera", "hammer", "jacket",
         "clock", "mirror", "helmet", "pillow", "kite", "vase", "candle")  # fmt: skip


def encode(texts):
    """A vector by the words, so that no network is loaded."""
    found = np.zeros((len(texts), 64), np.float32)
    for row, text in enumerate(texts):
        for word in text.lower().replace(".", " ").split():
            found[row, sum(map(ord, word)) % 64] += 1
    return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-6)


@pytest.fixture
def judged(tmp_path):
    path = tmp_path / "judged.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "query", "product_title", "product_description",
                         "median_relevance", "relevance_variance"])  # fmt: skip
        for n, noun in enumerate(NOUNS):
            for m, look in enumerate(("red", "blue", "big", "old", "new", "tiny")):
                other = NOUNS[(n + m + 1) % len(NOUNS)]
                writer.writerow([f"{n}-{m}", noun, f"{look} {noun} {n}", "", 4, 0])
                writer.writerow([f"{n}-{m}-x", noun, f"{look} {other} {n} {m}", "", 1, 0])
    return path


def test_a_set_is_frozen_and_every_labeller_is_run_on_it(judged, tmp_path, served, capsys):
    path, out = tmp_path / "set.jsonl", tmp_path / "out"
    call_command("freeze_labels", judgments=judged, out=path, most=60)
    frozen = read_frozen(path)
    assert frozen.sha256 in capsys.readouterr().out
    FrozenLabels.objects.create(kind="relevance", sha256=frozen.sha256)
    served.text = json.dumps(
        {"evidence": ["red"], "reason": "r", "grade": 0, "confidence": 100, "cannot_say": False}
    )
    served.next.extend([(200, "nonsense", {})] * 2)
    rows = run_ladder(
        LadderInput(
            frozen=frozen, train=of_pairs(read_pairs(judged, judged=True)), encode=encode,
            providers=[served.endpoint()], most_asked=10,
        )
    )  # fmt: skip
    by_name = {row["labeller"]: row for row in rows}
    # Each of the four that ask nobody is told for the pairs that the model was asked of as well.
    assert len(by_name) == len(rows) == 9
    assert by_name["cosine, the pairs asked"]["pairs"] == 10 < by_name["cosine"]["pairs"]
    assert by_name["the classifier (small trees)"]["f1"]["mean"] > 0.9
    asked = by_name["tiny"]
    assert (asked["pairs"], asked["unreadable"]) == (10, 1)
    assert asked["errors"]["no evidence"] >= 1
    assert asked["tokens"] == 120 * len(served.asked)
    assert LlmCall.objects.filter(purpose="labels").count() == 10
    assert FrozenLabels.objects.get().ladder == json.loads(json.dumps(rows))
    write_ladder(rows, frozen, out)
    assert json.loads((out / "metrics.json").read_text())["set"] == frozen.sha256
    assert table(rows) in (out / "ladder.md").read_text()


def test_a_set_that_was_changed_is_not_measured_on(judged, tmp_path):
    path = tmp_path / "set.jsonl"
    call_command("freeze_labels", judgments=judged, out=path, most=60)
    with pytest.raises(CommandError, match="changed since"):
        call_command("ladder", set=path, sha256="0" * 64, out=tmp_path / "out")
    with pytest.raises(CommandError, match="no evaluation set"):
        call_command("ladder", set=judged, out=tmp_path / "out")


def test_what_a_learned_labeller_takes_to_decide_is_in_its_time(judged, tmp_path, monkeypatch):
    path = tmp_path / "set.jsonl"
    call_command("freeze_labels", judgments=judged, out=path, most=60)
    frozen = read_frozen(path)
    FrozenLabels.objects.create(kind="relevance", sha256=frozen.sha256)

    def slow(taught, way, config):
        def decide(rows):
            time.sleep(0.2)
            return np.zeros(len(rows), bool)

        return decide

    monkeypatch.setattr(ladder, "by_learning", slow)
    rows = run_ladder(
        LadderInput(frozen=frozen, train=of_pairs(read_pairs(judged, judged=True)), encode=encode)
    )
    ms = {row["labeller"]: row["ms_p50"] for row in rows}
    pairs = {row["pairs"] for row in rows}
    assert len(LEARNED) == 2
    for name in LEARNED:
        assert ms[name] >= 200 / max(pairs)
