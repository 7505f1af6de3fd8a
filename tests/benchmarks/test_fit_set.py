"""A set of fit made of ratings: what is history, what is truth, and who is in which file."""

import csv
import json
import sys

from benchmarks import fit_set
from recs.frozen_labels import read_frozen


def films(count):
    return [
        {"movieId": n, "title": f"Film {n}", "genres": ["Drama" if n % 2 else "Horror"],
         "wikipedia": {"extract": "A story. " * 90, "cast": ["A", "B", "C", "D", "E"]}}
        for n in range(count)
    ]  # fmt: skip


def test_what_was_rated_later_is_the_truth_and_what_before_the_taste():
    items = {str(n): {"title": f"Film {n}"} for n in range(50)}
    # Good until the thirtieth, then bad and best by turns; two in one second at the border.
    rows = [
        (min(n, 29) if n < 31 else n, str(n), 5.0 if n < 30 or n % 2 else 1.0) for n in range(50)
    ]
    taste, pairs = fit_set.parts_of("7", rows, items, 8)
    assert [one["title"] for one in taste["wanted"]][:2] == ["Film 29", "Film 28"]
    assert {pair["grade"] for pair in pairs} == {0.0, 3.0}
    assert len(pairs) == 8
    assert sum(pair["grade"] == 0 for pair in pairs) == 4
    assert all(int(pair["item"]) > 30 and pair["sure"] for pair in pairs)
    assert fit_set.parts_of("7", rows[:10], items, 8) == ({}, [])


def test_grades_of_ratings():
    given = (0.5, 2.0, 2.5, 3.5, 4.0, 4.5, 5.0)
    assert [fit_set.grade_of(one) for one in given] == [0, 0, 1, 1, 2, 3, 3]


def test_the_two_files_have_other_people_and_can_be_read(tmp_path, monkeypatch, capsys):
    (tmp_path / "items.jsonl").write_text("\n".join(map(json.dumps, films(60))))
    with (tmp_path / "ratings.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["userId", "movieId", "rating", "timestamp"])
        for person in range(1, 9):
            for n in range(60):
                writer.writerow([person, n, 4.5 if (n + person) % 2 else 1.5, 1000 + n])
    argv = ["fit_set", "--data", str(tmp_path), "--out", str(tmp_path / "out")]
    monkeypatch.setattr(sys, "argv", argv)
    fit_set.main()
    first, second = (read_frozen(tmp_path / "out" / f"{name}.jsonl") for name in ("set", "train"))
    assert first.kind == second.kind == "fit"
    assert not set(first.tastes) & set(second.tastes)
    assert len(first.tastes) == 4
    assert len(first.sure) == 32
    assert len(first.pairs[0]["description"]) == fit_set.MOST_CHARACTERS
    digest = first.sha256
    fit_set.main()
    assert read_frozen(tmp_path / "out" / "set.jsonl").sha256 == digest
    capsys.readouterr()
