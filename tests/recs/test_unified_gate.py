"""The verdict on a version of the unified model, surface by surface."""

import numpy as np
import pytest
from django.utils import timezone

from recs.ml.gate_math import GateConfig
from recs.ml.unified.joint_baselines import Baselines
from recs.ml.unified.judged import Judged, ndcg_of, rank_requests, sample
from recs.ml.unified.surfaces import NOBODY, TASKS
from recs.models import ModelVersion
from recs.unified_gate import DEEP, Served, by_strangers, judge_version
from tests.recs.ml.unified.joint_world import prepared_films
from tests.recs.ml.unified.small import later

pytestmark = pytest.mark.django_db

CONFIG = GateConfig(draws=300, least_people=10)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return prepared_films(tmp_path_factory.mktemp("films"))


@pytest.fixture(scope="module")
def judged(prepared):
    return sample(later(prepared), 60, seed=1)


@pytest.fixture
def version():
    return ModelVersion.objects.create(kind="unified", name="one", as_of=timezone.now())


def served(judged: Judged, *, right: float, seed=0, tasks=range(3)):
    """Lists that begin with what followed in this share of the requests of these surfaces."""
    random = np.random.default_rng(seed)
    rankings = random.permuted(np.tile(np.arange(1, 61), (len(judged), 1)), axis=1)
    rankings = np.concatenate([rankings, np.zeros((len(judged), DEEP - 60), int)], axis=1)
    for row in range(len(judged)):
        if judged.requests.tasks[row] in tasks and random.random() < right:
            target = judged.targets[judged.offsets[row]]
            rest = rankings[row][rankings[row] != target]
            rankings[row] = np.concatenate([[target], rest])[:DEEP]
    return Served(rankings=rankings, asked=np.zeros((len(judged), 4), np.float32))


def verdict(version, prepared, judged, **systems):
    live = None
    if "live" in systems:
        live, _ = ModelVersion.objects.get_or_create(
            kind="unified", name="two", defaults={"as_of": timezone.now()}
        )
    return judge_version(version, systems, prepared, judged, live=live, config=CONFIG)


def test_who_is_right_everywhere_answers_everywhere(version, prepared, judged):
    report = verdict(version, prepared, judged, candidate=served(judged, right=1.0))
    assert report["passed"]
    assert report["surfaces"] == list(TASKS)
    assert report["reasons"] == []
    version.refresh_from_db()
    assert version.gate["surfaces"] == list(TASKS)
    for name in TASKS:
        told = report["baselines"][name]
        assert told[told["best"]] == max(v for k, v in told.items() if k != "best")


def test_who_is_right_on_one_surface_answers_there_alone(version, prepared, judged):
    found = served(judged, right=1.0, tasks=[1])
    report = verdict(version, prepared, judged, candidate=found)
    assert (report["passed"], report["surfaces"]) == (True, ["home"])
    assert {note.split(":")[0] for note in report["notes"]} == {"search", "similar"}


def test_who_is_right_nowhere_is_refused_with_a_reason_for_each_surface(version, prepared, judged):
    report = verdict(version, prepared, judged, candidate=served(judged, right=0.0))
    assert not report["passed"]
    assert [reason.split(":")[0] for reason in report["reasons"]] == list(TASKS)


def test_what_lost_against_the_live_version_is_refused_though_it_beats_the_untrained(
    version, prepared, judged
):
    report = verdict(
        version, prepared, judged,
        candidate=served(judged, right=0.8), live=served(judged, right=1.0),
    )  # fmt: skip
    assert not report["passed"]
    assert any("the live version" in reason for reason in report["reasons"])


def test_what_is_as_good_as_the_live_version_but_for_chance_on_a_surface_passes(
    version, prepared, judged
):
    one, other = (served(judged, right=0.9, seed=seed) for seed in (3, 4))
    report = verdict(version, prepared, judged, candidate=one, live=one)
    assert report["passed"]
    told = {part["name"]: part["systems"] for part in report["slices"]}
    assert all(told[name]["live"] == told[name]["candidate"] for name in TASKS)
    worse = min((one, other), key=lambda s: verdict_mean(s, judged))
    best = other if worse is one else one
    assert verdict(version, prepared, judged, candidate=best, live=worse)["passed"]


def verdict_mean(found, judged):
    return float(ndcg_of(found.rankings, judged).mean())


def test_the_best_untrained_system_is_no_better_than_itself(version, prepared, judged):
    log, systems = prepared.data.log, Baselines(prepared).by_name()
    found = verdict(version, prepared, judged, candidate=served(judged, right=0.0))
    best = {name: found["baselines"][name]["best"] for name in TASKS}
    rankings = np.zeros((len(judged), DEEP), np.int64)
    for task, name in enumerate(TASKS):
        rows = np.flatnonzero(judged.requests.tasks == task)
        requests = judged.select(rows).requests
        rankings[rows] = rank_requests(systems[best[name]], requests, log, DEEP)
    same = Served(rankings=rankings, asked=np.zeros((len(judged), 4), np.float32))
    report = verdict(version, prepared, judged, candidate=same)
    assert report["surfaces"] == []
    assert [part["differences"][0]["mean"] for part in report["slices"]] == [0.0] * 3


def test_strangers_are_answered_where_it_is_better_for_them_too(version, prepared, judged):
    alone = by_strangers(judged)
    assert set(alone.requests.tasks.tolist()) == {TASKS.index("search"), TASKS.index("similar")}
    assert set(alone.requests.persons.tolist()) == {NOBODY}
    found = served(judged, right=1.0)
    told = verdict(version, prepared, judged, candidate=found)
    assert "strangers" not in told
    told = verdict(
        version, prepared, judged, candidate=found, strangers=served(alone, right=1.0, tasks=[0])
    )
    assert told["passed"]
    assert told["surfaces"] == list(TASKS)
    assert told["strangers"] == ["search"]
    assert [note for note in told["notes"] if note.startswith("asked by strangers, similar: ")]
    slices = {part["name"]: part for part in told["slices"]}
    assert set(slices) == {*TASKS, "search:strangers", "similar:strangers"}
    assert slices["search:strangers"]["label"] == "search, by strangers"
    # Who is good for strangers alone is not better than what is there for the rest.
    told = verdict(
        version, prepared, judged,
        candidate=served(judged, right=1.0, tasks=[1]), strangers=served(alone, right=1.0),
    )  # fmt: skip
    assert (told["surfaces"], told["strangers"]) == (["home"], [])
