from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pytest

from catalog.events import record_events
from catalog.items import set_hidden
from catalog.types import ItemInput
from recs.features import interaction_log, item_vocabulary
from recs.gate import BASELINES, GateSettings, _baselines, gather, run_gate, slices_of
from recs.ml.gate_math import GateConfig
from recs.ml.held_out import HeldOutConfig
from tests.recs.conftest import NOON, like, make_items
from tests.recs.versions import candidate, promoted

pytestmark = pytest.mark.django_db

CUT = NOON + timedelta(days=4)
QUICK = GateSettings(
    judge=GateConfig(draws=200), held_out=HeldOutConfig(most_targets=2), tuning_seconds=1.0
)


@dataclass(frozen=True)
class Cycle:
    """Knows the truth: after item i comes i + 1, around and around."""

    item_count: int
    knows: float = 1.0

    def score(self, histories, persons):
        scores = np.zeros((len(persons), self.item_count + 1), np.float32)
        after = histories.select(persons).last_items() % self.item_count + 1
        scores[np.arange(len(persons)), after] = self.knows
        scores[:, 0] = -np.inf
        return scores


@pytest.fixture
def evidence(db):
    """60 people who walk around ten items, a day a step, half of them from the fourth day on."""
    make_items(
        [
            ItemInput(
                external_id=f"i{n}", title=f"Item {n}", category_paths=[f"Kind {n % 2}/Part {n}"]
            )
            for n in range(10)
        ]
    )
    rng = np.random.default_rng(5)
    events = []
    for person in range(60):
        first, begins = int(rng.integers(10)), 0 if person < 30 else 4
        events += [
            like(f"p{person}", f"i{(first + step) % 10}", time=NOON + timedelta(days=begins + step))
            for step in range(8)
        ]
    record_events(events=events)
    vocabulary = item_vocabulary()
    train = interaction_log(as_of=CUT, vocabulary=vocabulary)
    later = interaction_log(as_of=CUT + timedelta(days=30), vocabulary=vocabulary)
    return gather(train, later, QUICK)


def test_the_same_cases_are_asked_of_all_and_nothing_later_is_learned(evidence):
    held = evidence.held_out
    assert np.bincount(held.people).tolist() == [2] * 60
    last_known = held.histories.last_items()
    assert (held.targets == last_known % 10 + 1).all()
    assert evidence.train.days.max() < CUT.timestamp() / 86_400
    assert set(held.known.tolist()) == {0, 4}


def test_slices_say_what_was_known_before(evidence):
    slices = slices_of(evidence, QUICK)
    held = evidence.held_out
    assert (slices["new_people"] == (held.known < 5)).all()
    counts = evidence.train.counts(10)
    assert (slices["cold_items"] == (counts[held.targets] < 5)).all()
    assert slices["category:Kind 0"].sum() + slices["category:Kind 1"].sum() == len(held)
    assert slices["category:Kind 0"].tolist() == (held.targets % 2 == 1).tolist()
    head = set(np.argsort(-counts[1:], kind="stable")[:2] + 1)
    assert slices["tail"].tolist() == [target not in head for target in held.targets]


def test_a_candidate_that_knows_more_passes_and_the_report_is_on_its_row(evidence):
    version = candidate("good")
    report = run_gate(
        version=version,
        values={"candidate": evidence.held_out.ndcg(Cycle(10))},
        evidence=evidence,
        settings=QUICK,
    )
    # Item-kNN by direction knows what comes next as well, so it is not beaten beyond chance.
    overall = report["slices"][0]
    assert {d["against"]: d["passed"] for d in overall["differences"]}["popularity"]
    assert overall["systems"]["candidate"]["mean"] == 1.0
    assert set(overall["systems"]) == {"candidate", *BASELINES}
    version.refresh_from_db()
    assert version.gate["slices"][0]["people"] == 60
    assert version.gate["definitions"]["tail"] == "the item is not among the 20% wanted most"


def test_a_bad_candidate_is_refused_with_its_reasons_in_words(evidence):
    live, bad = promoted("live"), candidate("bad")
    report = run_gate(
        version=bad,
        values={
            "candidate": evidence.held_out.ndcg(Cycle(10, knows=-1.0)),
            "live": evidence.held_out.ndcg(Cycle(10)),
        },
        evidence=evidence,
        live=live,
        settings=QUICK,
    )
    assert not report["passed"]
    assert report["live"] == "live"
    overall = [reason for reason in report["reasons"] if reason.startswith("Overall")]
    assert any("not better than popularity" in reason for reason in overall)
    assert any("against the live version" in reason for reason in overall)
    assert any("'new people'" in reason for reason in report["reasons"])


def test_with_nobody_to_judge_by_nothing_goes_live(evidence):
    vocabulary = item_vocabulary()
    train = interaction_log(as_of=CUT, vocabulary=vocabulary)
    report = run_gate(
        version=candidate("unseen"),
        values={"candidate": np.zeros(0)},
        evidence=gather(train, train, QUICK),
        settings=QUICK,
    )
    assert report["reasons"] == ("Too few people to judge by: 0, and 30 are needed.",)


def test_an_item_that_may_not_be_shown_is_neither_asked_for_nor_ranked(evidence):
    asked = set(evidence.held_out.targets.tolist())
    assert 1 in asked
    set_hidden(external_ids=["i0"], hidden=True)
    vocabulary = item_vocabulary()
    train = interaction_log(as_of=CUT, vocabulary=vocabulary)
    later = interaction_log(as_of=CUT + timedelta(days=30), vocabulary=vocabulary)
    found = gather(train, later, QUICK)
    assert 1 not in found.held_out.targets
    ranked, _ = _baselines(found, QUICK)
    for scorer in ranked.values():
        scores = scorer.score(found.held_out.histories, np.arange(3))
        assert np.isneginf(scores[:, [0, 1]]).all()
