import json
import re
import subprocess
import sys
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.recs.ml.sequence_world import (
    NAMES,
    encode,
    small_member,
    walks,
    write_items,
    write_sequences,
)


@pytest.fixture
def files(tmp_path, monkeypatch):
    """What the command is given; networks are small, and texts are not encoded."""
    monkeypatch.setattr("recs.ml.sequence_benchmark.member", small_member)
    return {
        "sequences": write_sequences(tmp_path / "sequences.txt", walks()),
        "out": tmp_path / "rankings.txt",
    }


def run(**options):
    out = StringIO()
    call_command(
        "benchmark", "sequences", *(f"--{name}={value}" for name, value in options.items()),
        stdout=out,
    )  # fmt: skip
    return out.getvalue()


def test_the_command_writes_a_line_for_each_person_and_says_what_it_did(files):
    said = run(**files, model="popularity")
    assert re.search(
        r"^popularity: 80 people, 30 items; validation .*NDCG@10 0\.\d{4}.*; \d+ s; written to ",
        said,
        re.MULTILINE | re.IGNORECASE,
    )
    lines = files["out"].read_text().splitlines()
    people = walks()
    assert [line.split("\t")[0] for line in lines] == list(people)
    for line in lines:
        name, ranking = line.split("\t")
        ranked = ranking.split(" ")
        assert len(ranked) == len(set(ranked)) == 10
        assert set(ranked) <= set(NAMES) - set(people[name][:-1])


@pytest.mark.parametrize("protocol", ["paper", "production"])
def test_the_user_model_says_what_it_weighed_even_with_hardly_any_time(files, protocol):
    said = run(**files, minutes="0.0001", protocol=protocol, unordered=2)
    assert re.search(r"^weights: user_model -?\d+\.\d{3}, neighbours ", said, re.MULTILINE)
    assert len(files["out"].read_text().splitlines()) == 80


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"protocol": "production", "model": "user-model-alone"}, "has no production protocol"),
        ({"minutes": "0"}, "minutes is above 0"),
        ({"unordered": "0"}, "unordered from 1"),
        ({"seed": "-1"}, "seed from 0"),
        ({"protocol": "mine"}, "invalid choice: 'mine'"),
        ({"model": "bert"}, "invalid choice: 'bert'"),
        ({"minutes": "long"}, "invalid float value"),
    ],
)
def test_options_that_mean_nothing_are_refused(files, options, message):
    with pytest.raises(CommandError, match=message):
        run(**files, **options)
    assert not files["out"].exists()


def test_a_bad_file_is_told_in_one_line_and_keeps_what_was_written_before(files, tmp_path):
    files["out"].write_text("old")
    bad = tmp_path / "bad.txt"
    bad.write_bytes(b"ann 1 2 3\xff\n")
    with pytest.raises(CommandError, match=r"bad\.txt is not UTF-8 .*: save it as UTF-8") as caught:
        run(sequences=bad, out=files["out"])
    assert "\n" not in str(caught.value)
    with pytest.raises(CommandError, match=r"none\.tsv cannot be read"):
        run(**files, items=tmp_path / "none.tsv")
    assert files["out"].read_text() == "old"


def test_a_file_without_three_events_of_anybody_is_told(files, tmp_path):
    short = write_sequences(tmp_path / "short.txt", {"a": ["i1", "i2"]})
    with pytest.raises(CommandError, match="Nobody has three events"):
        run(sequences=short, out=files["out"])


def test_a_place_that_cannot_be_written_is_told_before_anything_is_read(files, tmp_path):
    missing = tmp_path / "missing.txt"
    with pytest.raises(CommandError, match=r"no folder .*nowhere; make it first"):
        run(sequences=missing, out=tmp_path / "nowhere" / "out.txt")
    with pytest.raises(CommandError, match="is a folder; name a file in it"):
        run(sequences=missing, out=tmp_path)


def test_the_command_needs_no_database(files):
    # No fixture lets this test reach one: the run would fail where it asked.
    assert "30 items" in run(**files, model="popularity")


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("model", ["item-knn", "user-model"])
def test_real_files_are_ranked_as_the_judge_wants_them(shared_data, tmp_path, model):
    judge = shared_data.parent / "judge" / "sequences.py"
    if not judge.is_file():
        pytest.skip("there is no judge beside the real data")
    with (shared_data / "beauty" / "sequences.txt").open() as file:
        lines = [next(file) for _ in range(200)]
    wanted = {item for line in lines for item in line.split()[1:]}
    header, *rows = (shared_data / "beauty" / "items.tsv").read_text().splitlines(keepends=True)
    sequences, items, out = (tmp_path / name for name in ("s.txt", "i.tsv", "out.txt"))
    sequences.write_text("".join(lines))
    items.write_text(header + "".join(row for row in rows if row.split("\t")[0] in wanted))
    # Neighbours read no texts, so there is no need to encode them.
    known = {"items": items} if model == "user-model" else {}
    run(sequences=sequences, out=out, model=model, minutes="0.1", **known)
    done = subprocess.run(
        [sys.executable, str(judge), str(sequences), str(out)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    result = json.loads(done.stdout)
    assert result["users"] == 200
    assert result["distinct_items_shown"] > 100


def test_the_table_of_items_is_read_and_its_texts_are_encoded(files, tmp_path, monkeypatch):
    asked = []

    def encoded(texts):
        asked.extend(texts)
        return encode(texts)

    monkeypatch.setattr("search.management.commands.benchmark._encode", encoded)
    said = run(**files, items=write_items(tmp_path / "items.tsv"), model="text-neighbours")
    assert "text-neighbours: 80 people" in said
    assert len(asked) == 20
