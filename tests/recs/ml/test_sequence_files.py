import csv
import itertools

import numpy as np
import pytest

from recs.ml.histories import Histories
from recs.ml.sequence_files import (
    UnreadableFile,
    check_writable,
    read_sequence_files,
    write_rankings,
)
from recs.ml.vocabulary import Vocabulary

PEOPLE = "ann 10 11 12\nbob 12 10\ncid 13 11 10 14\n"
ITEMS = "item_id\ttext\tkeywords\tattribute_ids\n11\tA lamp\tlight\t7,3\n15\t\t\t\n10\tA bed\t\t3\n"


def written(folder, people=PEOPLE, items=ITEMS):
    sequences, table = folder / "sequences.txt", folder / "items.tsv"
    for path, content in ((sequences, people), (table, items)):
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return sequences, table


def encode(texts):
    return np.array([[len(text), 1.0] for text in texts], np.float32)


def test_people_with_three_events_are_scored_and_everybodys_items_are_the_catalogue(tmp_path):
    files = read_sequence_files(*written(tmp_path, PEOPLE + "dan 16\neve\n\n"))
    assert files.histories.people == ("ann", "cid")
    assert [files.vocabulary.ids(rows) for rows in files.histories] == [
        ["10", "11", "12"],
        ["13", "11", "10", "14"],
    ]
    assert set(files.vocabulary.item_ids) == {"10", "11", "12", "13", "14", "15", "16"}
    assert np.isnan(files.histories.days).all()


def test_what_is_known_of_items_stands_in_their_rows(tmp_path):
    files = read_sequence_files(*written(tmp_path))
    content = files.content(encode)
    rows = dict(zip(files.vocabulary.item_ids, range(1, 8), strict=False))
    text = content.vectors["text"]
    assert text[rows["11"]].tolist() == [len("A lamp light"), 1.0]
    assert text[rows["10"]].tolist() == [len("A bed"), 1.0]
    assert not text[[0, *(rows[name] for name in ("12", "13", "14", "15"))]].any()
    attributes = content.attributes
    of = {
        name: attributes.values[attributes.offsets[row] : attributes.offsets[row + 1]].tolist()
        for name, row in rows.items()
    }
    assert attributes.size == 2
    assert of["11"] == [1, 0]
    assert of["10"] == [0]
    assert not of["12"]


def test_nothing_is_known_without_a_table_of_items(tmp_path):
    files = read_sequence_files(written(tmp_path)[0], None)
    content = files.content(lambda texts: pytest.fail("There is no text to encode."))
    assert content.vectors == {}
    assert content.attributes.size == 0
    assert content.item_count == len(files.vocabulary) == 5


def test_further_columns_and_missing_ones_are_passed_over(tmp_path):
    table = "price\titem_id\n3\t10\n4\t11\n"
    files = read_sequence_files(*written(tmp_path, items=table))
    assert files.content(encode).vectors == {}
    assert "10" in files.vocabulary


def test_a_line_that_ends_early_or_late_is_read(tmp_path):
    table = "item_id\ttext\tkeywords\tattribute_ids\n10\n11\ta\tb\t4\tmore\tand more\n"
    rows = {row.item_id: row for row in read_sequence_files(*written(tmp_path, items=table)).rows}
    assert (rows["10"].text, rows["10"].attributes) == ("", ())
    assert (rows["11"].text, rows["11"].attributes) == ("a b", ("4",))


def test_quotes_and_line_ends_of_other_systems_are_plain_text(tmp_path):
    table = 'item_id\ttext\r\n10\tA 5" "lamp\r\n11\tb\r\n'
    files = read_sequence_files(*written(tmp_path, PEOPLE.replace("\n", "\r\n"), table))
    assert files.rows[0].text == 'A 5" "lamp'
    assert files.rows[1].item_id == "11"
    assert files.histories.people == ("ann", "cid")


def test_the_mark_that_spreadsheets_put_first_is_no_part_of_the_columns_name(tmp_path):
    files = read_sequence_files(*written(tmp_path, items=b"\xef\xbb\xbf" + ITEMS.encode()))
    assert files.rows[0].item_id == "11"


def test_ids_of_any_script_keep_their_names(tmp_path):
    files = read_sequence_files(*written(tmp_path, "Ünal ламп 灯 -1\n", "item_id\ttext\n灯\tx\n"))
    assert files.histories.people == ("Ünal",)
    assert files.vocabulary.ids(files.histories.items_of(0)) == ["ламп", "灯", "-1"]


def test_an_item_that_only_stands_last_is_of_the_catalogue_and_behind_all_others(tmp_path):
    files = read_sequence_files(written(tmp_path, "ann 1 2 9\nbob 2 1 8\ncid 3 4 1\n")[0], None)
    assert files.vocabulary.item_ids == ("1", "2", "3", "4", "9", "8")


def test_rows_do_not_depend_on_whose_last_item_is_which(tmp_path):
    heads, lasts = ["a 1 2", "b 3 1", "c 4 2"], ["2", "4", "3"]
    found = set()
    for order in itertools.permutations(lasts):
        lines = "".join(f"{head} {last}\n" for head, last in zip(heads, order, strict=True))
        found.add(read_sequence_files(written(tmp_path, lines)[0], None).vocabulary.item_ids)
    assert found == {("1", "2", "3", "4")}


@pytest.mark.parametrize(
    ("people", "items", "message"),
    [
        (PEOPLE + "ann 3 4 5\n", ITEMS, "line 4: 'ann' stands twice; give each person one line"),
        (b"ann 1 2 \xff\n", ITEMS, "sequences.txt is not UTF-8 .*: save it as UTF-8"),
        (PEOPLE, ITEMS.encode("utf-16"), "items.tsv is not UTF-8 .*: save it as UTF-8"),
        (PEOPLE, "id\ttext\n1\ta\n", "first line has to name a column item_id"),
        (PEOPLE, "", "first line has to name a column item_id"),
        (PEOPLE, "item_id,text\n1,a\n", "first line has to name a column item_id"),
        (PEOPLE, "item_id\ttext\n1\ta\n\n\t b\n", "line 4: '' is no item_id"),
        (PEOPLE, "item_id\ttext\nA lamp\ta\n", "line 2: 'A lamp' is no item_id"),
        (PEOPLE + "dan 1 \x00 3\n", ITEMS, "sequences.txt, line 4 has a NUL: save it as plain"),
        (PEOPLE, ITEMS + "16\ta\x00b\t\t\n", "items.tsv, line 5 has a NUL: save it as plain"),
        ("", "item_id\n", "there is no item in it"),
        ("ann\nbob\n", "item_id\n", "there is no item in it"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_of_the_format_is_refused_with_what_to_do(
    tmp_path, people, items, message
):
    with pytest.raises(UnreadableFile, match=message):
        read_sequence_files(*written(tmp_path, people, items))


def test_a_file_that_is_not_there_is_named(tmp_path):
    sequences, table = written(tmp_path)
    with pytest.raises(UnreadableFile, match=r"none\.txt cannot be read: No such file"):
        read_sequence_files(tmp_path / "none.txt", table)
    with pytest.raises(UnreadableFile, match=r"none\.tsv cannot be read: No such file"):
        read_sequence_files(sequences, tmp_path / "none.tsv")
    with pytest.raises(UnreadableFile, match="cannot be read: Is a directory"):
        read_sequence_files(tmp_path, table)


def test_a_history_and_a_text_of_a_megabyte_are_read(tmp_path):
    people = f"ann {' '.join(map(str, range(200_000)))}\n"
    files = read_sequence_files(*written(tmp_path, people, f"item_id\ttext\n5\t{'x' * 10**6}\n"))
    assert files.histories.lengths.tolist() == [200_000]
    assert len(files.rows[0].text) == 10**6


def test_a_field_past_the_limit_is_refused_with_its_line(tmp_path):
    limit = csv.field_size_limit(1_000)
    try:
        with pytest.raises(UnreadableFile, match=r"line 3: field larger than field limit"):
            read_sequence_files(*written(tmp_path, items=f"item_id\ttext\n1\ta\n2\t{'x' * 2000}\n"))
    finally:
        csv.field_size_limit(limit)


def test_rankings_are_written_with_the_names_of_people_and_items(tmp_path):
    out = tmp_path / "rankings.txt"
    histories = Histories.of_lists([[1], [2]], ["ann", "Ünal"])
    write_rankings(out, histories, np.array([[2, 1], [1, 0]]), Vocabulary(("a", "灯")))
    assert out.read_text(encoding="utf-8") == "ann\t灯 a\nÜnal\ta\n"
    assert [path.name for path in tmp_path.iterdir()] == ["rankings.txt"]


def test_a_place_that_cannot_be_written_is_refused_before_anything_is_spent(tmp_path):
    with pytest.raises(OSError, match=r"no folder .*nowhere; make it first"):
        check_writable(tmp_path / "nowhere" / "out.txt")
    with pytest.raises(OSError, match="is a folder; name a file in it"):
        check_writable(tmp_path)
    out = tmp_path / "out.txt"
    out.write_text("kept")
    check_writable(out)
    assert out.read_text() == "kept"
    assert [path.name for path in tmp_path.iterdir()] == ["out.txt"]
