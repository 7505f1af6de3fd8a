import io

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from recs import registry
from recs.gate import LABELS
from recs.ml.gate_math import Cases, judge
from tests.recs.versions import USER_MODEL, candidate, promoted

pytestmark = pytest.mark.django_db


def run(*words):
    out = io.StringIO()
    call_command("model_versions", *words, stdout=out)
    return out.getvalue()


def test_without_versions_the_list_says_what_to_do():
    assert "retrain" in run("list")


def test_the_list_shows_all_kinds_and_states():
    promoted("one")
    candidate("codes", kind="semantic_ids")
    lines = run("list").splitlines()
    assert lines[0].split()[:3] == ["kind", "name", "state"]
    assert [line.split()[1:3] for line in lines[1:]] == [["codes", "candidate"], ["one", "live"]]
    assert "codes" not in run("list", "--kind", USER_MODEL)


def test_promote_and_roll_back_are_one_command_each():
    promoted("one")
    candidate("two")
    assert "two is live" in run("promote", "two")
    assert registry.live(USER_MODEL).name == "two"
    assert "one is live again" in run("rollback", USER_MODEL)
    assert registry.live(USER_MODEL).name == "one"
    with pytest.raises(CommandError, match="No version was live before"):
        run("rollback", USER_MODEL)


def test_a_version_that_was_refused_shows_why_and_is_not_promoted():
    version = candidate("bad")
    systems = ("candidate", "popularity", "item_knn")
    values = {name: np.full(40, 0.1) for name in systems}
    cases = Cases(people=np.arange(40), values=values, labels=LABELS)
    report = judge(cases, baselines=("popularity", "item_knn"))
    registry.refuse(version=version, reasons=report.reasons, report=report.as_json())
    told = run("show", "bad")
    assert "gate: refused" in told
    assert "not better than item-kNN" in told
    assert any(line.split()[:3] == ["overall", "40", "0.1000"] for line in told.splitlines())
    with pytest.raises(CommandError, match="was refused"):
        run("promote", "bad")


def test_a_name_that_two_kinds_have_needs_the_kind():
    candidate("same")
    candidate("same", kind="semantic_ids")
    with pytest.raises(CommandError, match="several kinds"):
        run("promote", "same")
    run("promote", "same", "--kind", USER_MODEL)
    with pytest.raises(CommandError, match="no model version"):
        run("show", "other")


def test_prune_says_what_went():
    for n in range(4):
        candidate(f"c{n}")
    assert run("prune").splitlines() == ["user_model c1 deleted.", "user_model c0 deleted."]
    assert run("prune").splitlines() == ["Nothing to delete."]
    assert "pruned" in run("list")
