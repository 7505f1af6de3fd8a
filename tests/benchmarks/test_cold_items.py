import json
import sys

from benchmarks import cold_items
from recs.ml.sequence_files import read_sequence_files

ITEMS = {
    str(n): {
        "title": f"Title\t{n}\nof two lines",
        "description": None if n == 3 else f"about {n}",
        "brand": "b1" if n % 2 else "",
        "categories": f"all,part {n % 3}",
    }
    for n in range(1, 41)
}
INTER = {f"p{n}": [(n + 3 * step) % 40 + 1 for step in range(3 + n % 5)] for n in range(60)}


def made(tmp_path, monkeypatch, seed=0, inter=INTER):
    out = tmp_path / f"cold-{seed}"
    sources = tmp_path / "inter.json", tmp_path / "items.json"
    sources[0].write_text(json.dumps(inter))
    sources[1].write_text(json.dumps(ITEMS))
    given = ["--inter", sources[0], "--items", sources[1], "--out", out, "--seed", seed]
    monkeypatch.setattr(sys, "argv", ["cold_items", *map(str, given)])
    cold_items.main()
    cold = set((out / "cold.txt").read_text().split())
    return out, cold, read_sequence_files(out / "sequences.txt", out / "items.tsv")


def named(files):
    return {
        person: files.vocabulary.ids(rows)
        for person, rows in zip(files.histories.people, files.histories, strict=True)
    }


def test_cold_items_stand_in_no_history_but_may_be_last(tmp_path, monkeypatch):
    _, cold, files = made(tmp_path, monkeypatch)
    assert len(cold) == 4
    assert len(files.vocabulary) == 40
    lists = named(files)
    assert not cold & {item for items in lists.values() for item in items[:-1]}
    assert cold & {items[-1] for items in lists.values()}


def test_targets_are_those_of_the_source_and_the_rest_keeps_its_order(tmp_path, monkeypatch):
    _, cold, files = made(tmp_path, monkeypatch)
    titles = {
        row.text.split()[1]: name
        for row, name in zip(files.rows, files.vocabulary.item_ids, strict=True)
    }
    lists = named(files)
    for person, source in INTER.items():
        expected = [titles[str(item)] for item in source]
        kept = [item for item in expected[:-1] if item not in cold] + expected[-1:]
        assert lists.get(person) == (kept if len(kept) >= 3 else None)


def test_people_with_too_little_left_are_left_out(tmp_path, monkeypatch):
    _, _, files = made(tmp_path, monkeypatch, inter={**INTER, "few": [1, 2]})
    assert "few" not in files.histories.people
    assert files.histories.lengths.min() >= 3


def test_names_are_drawn_anew_and_the_same_for_all_seeds(tmp_path, monkeypatch):
    first = made(tmp_path, monkeypatch, seed=0)
    again = made(tmp_path, monkeypatch, seed=0)
    other = made(tmp_path, monkeypatch, seed=1)
    assert first[1] == again[1] != other[1]
    assert [row.text for row in first[2].rows] == [row.text for row in other[2].rows]
    order = [int(row.text.split()[1]) for row in first[2].rows]
    assert sorted(order) == list(range(1, 41))
    assert order != sorted(order)


def test_what_is_known_of_an_item_is_on_one_line_with_its_brand(tmp_path, monkeypatch):
    _, _, files = made(tmp_path, monkeypatch)
    by_title = {row.text.split()[1]: row for row in files.rows}
    row = by_title["3"]
    assert row.text == "Title 3 of two lines"
    assert len(row.attributes) == 3
    assert by_title["9"].attributes == row.attributes
    assert set(by_title["6"].attributes) & set(row.attributes)
    assert by_title["5"].text == "Title 5 of two lines about 5"


def test_long_texts_are_cut():
    lines = cold_items.item_lines({"1": {"title": "t" * 999, "description": "d" * 999}}, {"1": "7"})
    name, title, described, _ = lines[1].split("\t")
    assert (name, len(title), len(described)) == (
        "7",
        cold_items.TITLE_CHARACTERS,
        cold_items.DESCRIPTION_CHARACTERS,
    )
