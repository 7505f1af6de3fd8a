"""The joint benchmark as a user runs it: files in, files out."""

import csv
import json
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from recs.ml.errors import NothingToLearn
from recs.ml.unified import joint_benchmark
from recs.ml.unified.joint_baselines import Baselines, tune
from recs.ml.unified.joint_benchmark import JointOptions, run_joint_benchmark
from recs.ml.unified.joint_files import read_joint
from recs.ml.unified.joint_report import COLUMNS, UNTRAINED
from recs.ml.unified.judged import sample
from recs.ml.unified.surfaces import TASKS
from search.management.commands import benchmark
from tests.recs.ml.unified.joint_world import encode, prepared_films, write_artists, write_films
from tests.recs.ml.unified.small import CPU, PERSON, RANKER, UNIFIED, later

FROM = datetime(2010, 7, 1, tzinfo=UTC)
# What is tested here is not how good it gets.
QUICK = replace(UNIFIED, fit=replace(UNIFIED.fit, epochs=3))
FEW = replace(RANKER, fit=replace(RANKER.fit, epochs=12))
OPTIONS = JointOptions(
    most_requests=60,
    most_taught=200,
    most_validated=40,
    unified=QUICK,
    ranker=FEW,
    run=CPU,
    person=PERSON,
)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The files that one run of the command wrote."""
    folder = tmp_path_factory.mktemp("joint")
    write_films(folder / "films", people=24)
    small = {
        "unified": QUICK,
        "ranker": FEW,
        "person": PERSON,
        "most_requests": 60,
        "most_taught": 200,
    }

    def options(**given):
        return JointOptions(**{**given, **small})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(benchmark, "_encode", encode)
        patch.setattr(benchmark, "JointOptions", options)
        call_command(
            "benchmark", "joint", "--data", str(folder / "films"), "--test-from", "2010-07-01",
            "--out", str(folder / "out"),
        )  # fmt: skip
    metrics = json.loads((folder / "out" / "metrics.json").read_text())
    with (folder / "out" / "rankings.tsv").open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return metrics, rows


def test_a_stranger_can_count_the_metrics_again(written):
    metrics, rows = written
    assert tuple(rows[0]) == COLUMNS
    for name, by_task in metrics["systems"].items():
        for task, found in by_task.items():
            own = [row for row in rows if row["system"] == name and row["task"] == task]
            assert len(own) == metrics["requests"][task]
            gains = []
            for row in own:
                targets, ranked = row["target_items"].split(), row["first_100"].split()
                hits = [1 / np.log2(i + 2) for i, item in enumerate(ranked[:10]) if item in targets]
                ideal = sum(1 / np.log2(i + 2) for i in range(min(10, len(targets))))
                gains.append(sum(hits) / ideal)
            assert found["NDCG@10"]["mean"] == pytest.approx(np.mean(gains), abs=1e-4)
            assert found["NDCG@10"]["low"] <= np.mean(gains) <= found["NDCG@10"]["high"]


def test_every_system_answers_its_surfaces(written):
    systems = written[0]["systems"]
    assert set(UNTRAINED) < set(systems)
    for name in ("unified", "two-tower", "unified-signed-out", *UNTRAINED):
        assert set(systems[name]) == set(TASKS)
    for task in TASKS:
        assert set(systems[f"only-{task}"]) == {task}


def test_nothing_before_the_date_is_ranked_for(written):
    assert all(row["time"] >= "2010-07-01" for row in written[1])
    assert any(row["user"] and row["query"] for row in written[1])


def test_the_one_model_is_compared_on_every_surface(written):
    over = {(row["task"], row["over"]) for row in written[0]["unified_over"]}
    assert {(task, f"only-{task}") for task in TASKS} <= over
    assert {(task, "item-knn") for task in TASKS} <= over


def test_several_models_instead_of_one_are_weighed(written):
    (split,) = written[0]["splits"]
    assert split["models"] == [f"only-{task}" for task in TASKS]
    systems = written[0]["systems"]
    gains = [
        systems[f"only-{task}"][task]["NDCG@10"]["mean"]
        / systems["unified"][task]["NDCG@10"]["mean"]
        for task in TASKS
    ]
    assert split["gain"] == pytest.approx(np.mean(gains) - 1, abs=1e-4)


def test_pairs_are_models_of_two_surfaces():
    judged = SimpleNamespace(requests=SimpleNamespace(tasks=np.array([0, 1, 2])))
    found = joint_benchmark._systems(replace(OPTIONS, mixes="pairs"), judged)
    assert list(found) == [
        "unified", "only-search", "only-home", "only-similar",
        "search+home", "search+similar", "home+similar",
    ]  # fmt: skip
    assert found["home+similar"].tasks == (1, 2)
    # Nobody searched: nothing can be taught of it.
    judged = SimpleNamespace(requests=SimpleNamespace(tasks=np.array([1, 2])))
    found = joint_benchmark._systems(replace(OPTIONS, mixes="pairs"), judged)
    assert list(found) == ["unified", "only-home", "only-similar", "home+similar"]


def test_a_field_is_dropped_where_it_matters(written):
    """Without its words a search is another one; what is left still has an answer."""
    systems, rows = written[0]["systems"], written[1]
    for system, task in (("unified-no-words", "search"), ("unified-no-source", "similar")):
        assert set(systems[system]) == {task}
        own, whole = (
            [row["first_100"] for row in rows if (row["system"], row["task"]) == (name, task)]
            for name in (system, "unified")
        )
        assert len(own) == len(whole)
        assert all(own)
        assert own != whole


def test_slices_add_up_to_the_requests(written):
    metrics = written[0]
    for task, found in metrics["slices"].items():
        for kind in ("person", "words"):
            counts = [told["requests"] for name, told in found.items() if name.startswith(kind)]
            assert sum(counts) <= metrics["requests"][task]
        assert any(name.startswith("item") for name in found)
        assert all("unified" in told["systems"] for told in found.values())
    assert any(name.startswith("words") for name in metrics["slices"]["search"])


def test_it_says_what_it_chose(written):
    told = written[0]["learned"]["unified"]
    assert told["epochs"] >= 1
    assert len(told["quality_weights"]) == 4
    assert told["parameters"]["towers"] > told["parameters"]["ranker"] > 0
    assert written[0]["second_window_from"] < written[0]["test_from"]


def test_later_events_do_not_change_what_is_learned(tmp_path):
    """Everything from the date on is cut off: the same model, the same settings."""
    data = read_joint(write_films(tmp_path / "films", people=24))
    options = replace(OPTIONS, mixes="none")
    whole = run_joint_benchmark(data, encode, FROM, options).about
    end = FROM.timestamp() / 86_400
    requests_kept = replace(
        data,
        # One month more, so that there is something to rank for.
        log=data.log.before(end + 30),
        searches=data.searches.select(data.searches.days < end + 30),
    )
    part = run_joint_benchmark(requests_kept, encode, FROM, options).about
    for about in (whole, part):
        about["learned"]["unified"].pop("seconds")
    assert whole["learned"] == part["learned"]
    assert whole["tuned"] == part["tuned"]


def test_artists_without_facts_or_ratings_go_as_well(tmp_path):
    random = np.random.default_rng(0)
    rows = [
        (
            f"u{person}",
            f"2010-{month:02d}-01",
            ("noir", "slow", "loud")[artist % 3],
            artist,
            f"Artist {artist}",
            int(random.random() < 0.6),
        )
        for person in range(25)
        for month in range(1, 10)
        for artist in random.choice(np.arange(person % 3, 45, 3), 3, replace=False).tolist()
    ]
    data = read_joint(write_artists(tmp_path, rows))
    found = run_joint_benchmark(data, encode, FROM, replace(OPTIONS, mixes="none"))
    assert set(found.rankings) == {
        *UNTRAINED, "unified", "unified-signed-out", "unified-no-words", "unified-no-source",
        "unified-stale-vectors", "two-tower", "two-tower-no-quality",
    }  # fmt: skip
    assert (found.rankings["unified"] > 0).any(axis=1).all()


@pytest.mark.parametrize(
    "date", [datetime(1990, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)]
)
def test_a_date_that_leaves_nothing_is_refused(tmp_path, date):
    data = read_joint(write_films(tmp_path / "films"))
    with pytest.raises(NothingToLearn):
        run_joint_benchmark(data, encode, date, OPTIONS)


def test_bad_input_ends_with_words(tmp_path):
    arguments = ("benchmark", "joint", "--test-from", "2010-07-01", "--out", str(tmp_path / "out"))
    with pytest.raises(CommandError, match="neither items"):
        call_command(*arguments, "--data", str(tmp_path))
    with pytest.raises(CommandError, match="is no date"):
        call_command(
            "benchmark", "joint", "--data", "x", "--test-from", "July", "--out", str(tmp_path / "o")
        )


def test_the_baselines_are_what_they_are_called(tmp_path):
    prepared = prepared_films(tmp_path)
    requests = later(prepared).requests
    baselines = Baselines(prepared)
    for score in baselines.by_name().values():
        assert score(requests).shape == (len(requests), 61)
    searches = requests.select(requests.tasks == 0)
    chosen = baselines.chosen(searches)
    counted = prepared.chosen[searches.words].toarray()
    # Popularity decides between equals and nothing else.
    for row in range(len(searches)):
        best = chosen[row].argmax()
        assert counted[row, best] == counted[row].max()


def test_tuning_never_loses_to_the_defaults(tmp_path):
    from recs.ml.unified.judged import ndcg_of, rank_requests
    from recs.ml.unified.prepared import with_settings

    prepared = prepared_films(tmp_path)
    judged = sample(later(prepared), 40)
    tuned = with_settings(prepared, tune(prepared, judged))
    for name, task in (("bm25", 0), ("item_knn", 1)):
        part = judged.of_task(task)
        gains = [
            ndcg_of(
                rank_requests(getattr(Baselines(one), name), part.requests, prepared.data.log, 10),
                part,
            ).mean()
            for one in (tuned, prepared)
        ]
        assert gains[0] >= gains[1]
