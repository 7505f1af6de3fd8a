"""Second labels of a frozen set: the file, and how they are held against the first."""

import json

import pytest

from benchmarks import second_labels


def told(path, rows):
    lines = [{"kind": "relevance"}, *rows]
    path.write_text("\n".join(map(json.dumps, lines)))
    return path


def pair(name, grade, *, sure=True):
    return {"item": name, "grade": grade, "sure": sure, "query": "lamp", "title": f"Thing {name}"}


def test_the_file_grades_150_pairs_once_each():
    found = second_labels.read_labels()
    assert len(found) == 150
    assert set(found.values()) == {0, 1, 2, 3}
    assert len(second_labels.LABELS.read_text().splitlines()) == 151


def test_agreement_is_of_the_pairs_that_both_graded(tmp_path, capsys, monkeypatch):
    labels = dict(list(second_labels.read_labels().items()))
    # The first agrees on all but one, which it finds perfect where the second found it bad.
    wrong = next(name for name, grade in labels.items() if grade == 0)
    rows = [pair(name, 3.0 if name == wrong else float(grade)) for name, grade in labels.items()]
    path = told(tmp_path / "set.jsonl", [*rows, pair("nobody's", 0.0)])
    monkeypatch.setattr("sys.argv", ["second_labels", "--set", str(path)])
    second_labels.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("150 pairs, 0.993 with the same grade")
    assert f"  0 and 3: lamp => Thing {wrong}" in lines
    known = second_labels.both(labels, second_labels.read_pairs(path))
    assert second_labels.table(known)[0, 3] == 1


def test_a_set_of_other_pairs_is_refused(tmp_path, monkeypatch):
    path = told(tmp_path / "set.jsonl", [pair("nobody's", 0.0)])
    monkeypatch.setattr("sys.argv", ["second_labels", "--set", str(path)])
    with pytest.raises(SystemExit, match="none of the 150 pairs"):
        second_labels.main()
