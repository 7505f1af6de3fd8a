"""The relevance benchmark as a user runs it: files in, files out."""

import csv
import json
import subprocess
import sys
from dataclasses import replace
from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from recs.ml.relevance.pairs import read_pairs
from recs.ml.relevance.relevance_benchmark import RelevanceOptions, run_relevance_benchmark
from recs.ml.text_encoder import packaged_model_dir
from search.management.commands import benchmark
from tests.recs.ml.relevance.world import (
    COLUMNS,
    CPU,
    SMALL,
    THINGS,
    encode,
    pairs_of,
    rows,
    write_rows,
)

OPTIONS = RelevanceOptions(config=SMALL, run=CPU)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Networks are small, and texts are not encoded."""
    monkeypatch.setattr(benchmark, "_encode", encode)
    monkeypatch.setattr(
        benchmark, "RelevanceOptions", lambda **given: RelevanceOptions(**given, config=SMALL)
    )


@pytest.fixture
def files(tmp_path):
    return {
        "train": write_rows(tmp_path / "train.csv", rows()),
        "judgments": write_rows(
            tmp_path / "judgments.csv", rows(("desk", "sofa", "shelf"), first_id=900)
        ),
        "out": tmp_path / "scores.tsv",
    }


def run(**options):
    out = StringIO()
    call_command(
        "benchmark", "relevance", *(f"--{name}={value}" for name, value in options.items()),
        stdout=out,
    )  # fmt: skip
    return out.getvalue()


def table(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def run_small(judgments, train, **changes):
    options = replace(OPTIONS, **changes)
    return run_relevance_benchmark(judgments, train, encode, packaged_model_dir(), options)


def test_every_pair_of_other_queries_gets_a_score_and_a_chance(files, tmp_path):
    said = run(**files, recall=tmp_path / "found.tsv")
    scores = table(files["out"])
    assert {row["id"] for row in scores} == {str(number) for number in range(900, 927)}
    assert all(0 <= float(row["bad_match"]) <= 1 for row in scores)
    assert len({row["relevance"] for row in scores}) > 20
    for words in (
        "NDCG@10 relevance: 0.",
        "NDCG@10 trees: ",
        "NDCG@10 BM25 of titles: ",
        "bad match AUC: ",
        "recall@50: 1.0000",
        "learned from other queries;",
    ):
        assert words in said
    found = table(tmp_path / "found.tsv")
    assert {row["query"] for row in found} == {"red desk", "blue sofa", "green shelf"}
    first = [row for row in found if row["query"] == "red desk"]
    assert [row["rank"] for row in first] == [str(rank + 1) for rank in range(len(first))]
    assert {row["id"] for row in found} <= {row["id"] for row in scores}


def test_without_anything_to_learn_from_it_still_scores(files):
    del files["train"]
    said = run(**files)
    assert "nothing learned" in said
    assert all(row["bad_match"] == "" for row in table(files["out"]))
    assert "bad match" not in said
    good, bad = (
        np.mean([float(r["relevance"]) for r, w in zip(
            sorted(table(files["out"]), key=lambda r: int(r["id"])),
            rows(("desk", "sofa", "shelf")), strict=True) if w["median_relevance"] == grade])
        for grade in ("4", "1")
    )  # fmt: skip
    assert good > bad


def test_a_file_that_is_learned_from_is_cross_fitted(files):
    said = run(train=files["train"], judgments=files["train"], out=files["out"])
    assert "in 3 folds" in said
    assert len(table(files["out"])) == 54


def test_a_querys_own_grades_do_not_change_its_scores():
    """Learned or only measured: whatever people said of a query, its scores stay."""
    listed = rows()
    turned = [
        {**row, "median_relevance": str(5 - int(row["median_relevance"]))}
        if row["query"] == "red shoe" else row
        for row in listed
    ]  # fmt: skip
    one, other = (run_small(pairs_of(given), pairs_of(given)) for given in (listed, turned))
    own = np.array([row["query"] == "red shoe" for row in listed])
    assert np.array_equal(one.relevance[own], other.relevance[own])
    assert np.array_equal(one.bad[own], other.bad[own])
    assert np.array_equal(one.found["red shoe"], other.found["red shoe"])
    # The others learned from them.
    assert not np.array_equal(one.relevance[~own], other.relevance[~own])


def test_grades_of_the_judgments_only_measure(files, tmp_path):
    run(**files)
    before = files["out"].read_text()
    blind = write_rows(
        tmp_path / "blind.csv", rows(("desk", "sofa", "shelf"), first_id=900), COLUMNS[:4]
    )
    said = run(**{**files, "judgments": blind})
    assert files["out"].read_text() == before
    assert "NDCG" not in said


def test_ids_and_the_order_of_the_file_mean_nothing():
    train = pairs_of(rows(THINGS[:4]))
    listed = rows(("desk", "sofa"))
    one = run_small(pairs_of(listed), train)
    order = np.random.default_rng(0).permutation(len(listed))
    other = run_small(
        pairs_of([{**listed[row], "id": str(place)} for place, row in enumerate(order)]), train
    )
    assert np.allclose(one.relevance[order], other.relevance, atol=1e-4)


def test_same_seed_same_scores():
    train, asked = pairs_of(rows(THINGS[:3])), pairs_of(rows(("desk",)))
    one, same, other = (run_small(asked, train, seed=seed).relevance for seed in (0, 0, 1))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_strange_texts_are_scored(tmp_path):
    strange = [
        {"query": "of the", "product_title": "The Lamp", "product_description": ""},
        {"query": "of the", "product_title": "", "product_description": "<p>&nbsp;</p>"},
        {"query": "日本 映画", "product_title": "七人の侍", "product_description": "dÃ©cor"},
        {"query": "!!", "product_title": "!?", "product_description": "x" * 5000},
    ]
    path = write_rows(
        tmp_path / "a.csv", [{"id": str(n), **row} for n, row in enumerate(strange)], COLUMNS[:4]
    )
    for train in (None, pairs_of(rows(THINGS[:3]))):
        found = run_small(read_pairs(path, judged=False), train)
        assert np.isfinite(found.relevance).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": -1}, "seed counts from 0"),
        ({"train": "nowhere.csv"}, "cannot be read"),
        ({"out": "/nowhere/at/all.tsv"}, "no folder"),
    ],
)
def test_what_cannot_be_run_is_told_and_writes_nothing(files, change, message):
    with pytest.raises(CommandError, match=message):
        run(**{**files, **change})
    assert not files["out"].exists()


def test_grades_that_lack_in_what_is_learned_from_are_told(files):
    listed = rows()
    listed[4]["median_relevance"] = ""
    write_rows(files["train"], listed)
    with pytest.raises(CommandError, match="median_relevance is ''"):
        run(**files)


def test_the_judge_counts_the_same(shared_data, files):
    judge = shared_data.parent / "judge" / "relevance.py"
    if not judge.is_file():
        pytest.skip("there is no judge beside the real data")
    said = run(**files)
    done = subprocess.run(
        [sys.executable, str(judge), str(files["judgments"]), str(files["out"])],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    told = json.loads(done.stdout)
    assert f"NDCG@10 relevance: {told['NDCG@10']:.4f}" in said
    assert f"bad match AUC: {told['bad_match_AUC']:.4f}" in said
    assert f"bad match ECE: {told['bad_match_ECE']:.4f}" in said


def test_words_alone_beat_chance_on_real_judgments(shared_data):
    path = shared_data / "relevance" / "crowdflower_dev.csv"
    if not path.is_file():
        pytest.skip("the judgments are not beside the checkout")
    from recs.ml.relevance.measures import ndcg_by_query
    from recs.ml.relevance.word_features import bm25_features

    pairs = read_pairs(path, judged=True)
    found = ndcg_by_query(bm25_features(pairs)["bm25 title"], pairs)
    assert len(found) == 177
    assert found.mean() > 0.80
