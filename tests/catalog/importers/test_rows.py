"""Readers: every row with its line, every bad row told, whatever the bytes are."""

import csv
import gzip
import io
import json
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from catalog.errors import InvalidInput
from catalog.importers.files import MAX_LINE_BYTES, open_source
from catalog.importers.rows import columns_of, read_rows


def rows_of(path, **options):
    return list(read_rows(open_source(path, **options)))


def test_a_csv_file_with_a_mark_quotes_and_line_breaks_gives_values_and_real_lines(write):
    path = write(
        "a.csv", b'\xef\xbb\xbfid,title\r\n1,"One, two"\r\n2,"three\r\nfour"\r\n\r\n3,"fi""ve"\r\n'
    )
    found = rows_of(path)
    assert [(row.line, row.values) for row in found] == [
        (2, {"id": "1", "title": "One, two"}),
        (3, {"id": "2", "title": "three\r\nfour"}),
        (6, {"id": "3", "title": 'fi"ve'}),
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_in_the_header(write, delimiter):
    path = write("a.csv", f'id{delimiter}"a,b;c"\n1{delimiter}x\n')
    assert rows_of(path)[0].values == {"id": "1", "a,b;c": "x"}


def test_a_stray_quote_costs_one_row_and_not_those_behind_it(write):
    lines = ["id,title", '1,"never closed', *[f"{n},fine" for n in range(2, 50)]]
    found = rows_of(write("a.csv", "\n".join(lines) + "\n"))
    assert [row.line for row in found if row.values is None] == [2]
    assert "never closed" in found[0].problem
    assert [row.values["id"] for row in found[1:]] == [str(n) for n in range(2, 50)]


def test_two_stray_quotes_that_pair_up_do_not_hide_the_rows_between_them(write):
    found = rows_of(write("a.csv", 'id,title\n1,"open\n2,fine\n3,"open too\n4,fine\n'))
    assert [row.values["id"] for row in found if row.values] == ["2", "4"]
    assert [row.line for row in found if row.values is None] == [2, 4]


def test_a_row_with_the_wrong_number_of_fields_is_told_with_both_numbers(write):
    found = rows_of(write("a.csv", "id,title\n1\n2,b\n3,c,d\n"))
    assert [row.problem for row in found] == [
        "1 fields, the header has 2.",
        "",
        "3 fields, the header has 2.",
    ]


def test_a_half_written_last_line_is_told_as_such(write):
    assert "ends in the middle" in rows_of(write("a.csv", "id,title,year\n1,a,2\n2,b"))[1].problem
    found = rows_of(write("a.jsonl", '{"id": 1}\n{"id": 2, "tit'))
    assert found[0].values == {"id": 1}
    assert "ends in the middle" in found[1].problem


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_bytes_that_are_no_utf8_are_told_with_their_place(write, name):
    lines = {
        "a.csv": b"id,title\n1,caf\xe9\n2,fine\n",
        "a.jsonl": b'{}\n{"id": "1", "title": "caf\xe9"}\n{"id": "2", "title": "fine"}\n',
    }
    bad, good = rows_of(write(name, lines[name]))[-2:]
    assert "Byte 0xe9" in bad.problem
    assert bad.line == 2
    assert good.values == {"id": "2", "title": "fine"}


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_a_line_of_50_megabytes_is_told_and_passed_over(write, name):
    huge = b"x" * (50 * 1024 * 1024)
    first = b"id,title\n" if name == "a.csv" else b"{}\n"
    last = b"2,fine\n" if name == "a.csv" else b'{"id": "2", "title": "fine"}\n'
    bad, good = rows_of(write(name, first + huge + b"\n" + last))[-2:]
    assert "longer than 4 MB" in bad.problem
    assert (bad.line, good.line) == (2, 3)
    assert good.values == {"id": "2", "title": "fine"}


def test_a_line_just_over_the_limit_does_not_swallow_the_next(write):
    for size in (MAX_LINE_BYTES - 1, MAX_LINE_BYTES, MAX_LINE_BYTES + 1, 2 * MAX_LINE_BYTES):
        path = write("a.jsonl", b"{}\n" + b"x" * size + b'\n{"id": "2"}\n')
        assert [(row.line, row.values) for row in rows_of(path)] == [
            (1, {}),
            (2, None),
            (3, {"id": "2"}),
        ]


def test_json_that_is_no_object_or_nested_too_deeply_is_told(write):
    deep = '{"a":' * 100_000
    found = rows_of(write("a.jsonl", f'{{"id": 1}}\n[1]\n"x"\n{deep}\nnull\n'))
    assert found[0].values == {"id": 1}
    assert all(row.values is None and row.problem for row in found[1:])
    assert [row.line for row in found] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("name", ["a.csv.gz", "a.jsonl.gz", "without_suffix.csv"])
def test_gzip_is_known_by_its_bytes(write, name):
    text = b'{"id": "1"}\n' if "jsonl" in name else b"id\n1\n"
    assert rows_of(write(name, gzip.compress(text)))[0].values == {"id": "1"}


def test_a_truncated_gzip_file_gives_what_is_before_the_damage(write):
    packed = gzip.compress(b"".join(b'{"id": "%d"}\n' % n for n in range(50_000)), mtime=0)
    found = rows_of(write("a.jsonl.gz", packed[: len(packed) // 2]))
    assert len(found) > 100
    assert [row.values["id"] for row in found[:-1]] == [str(n) for n in range(len(found) - 1)]
    assert "damaged" in found[-1].problem


def test_parquet_gives_rows_numbers_dates_and_lists(tmp_path):
    path = tmp_path / "a.parquet"
    table = pa.table({"id": ["1", "2"], "price": [1.5, float("nan")], "genres": [["a", "b"], []]})
    pq.write_table(table, path, row_group_size=1)
    found = rows_of(path)
    assert [row.line for row in found] == [1, 2]
    assert found[0].values == {"id": "1", "price": 1.5, "genres": ["a", "b"]}
    assert found[1].values["price"] is None
    assert columns_of(open_source(path)) == ["id", "price", "genres"]


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("a.csv", b"", "empty"),
        ("a.jsonl", b"\xef\xbb\xbf \n\n", "empty"),
        ("a.csv.gz", gzip.compress(b"", mtime=0), "empty"),
        ("a.csv", b"PK\x03\x04rest", "zip"),
        ("a.csv", "id,title\n".encode("utf-16"), "UTF-16"),
        ("a.json", b'[{"id": 1}]', "JSON array"),
        ("a.dunno", b"id,title\n1,a\n", "--format"),
        ("a.parquet", b"PAR1 and then nothing", "no Parquet"),
        ("a.parquet", b"id,title\n", "no Parquet"),
        ("a.csv", b"id,id\n1,2\n", "same name"),
        ("a.csv", b"caf\xe9,id\n1,2\n", "no header in UTF-8"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_words_that_say_why(write, name, content, word):
    with pytest.raises(InvalidInput, match=word) as refused:
        columns_of(open_source(write(name, content)))
    assert refused.value.field in ("path", "format")


def test_a_folder_and_a_missing_file_are_refused(tmp_path):
    with pytest.raises(InvalidInput, match="folder"):
        open_source(tmp_path)
    with pytest.raises(InvalidInput, match="no file"):
        open_source(tmp_path / "missing.csv")
    with pytest.raises(InvalidInput, match="cannot be read"):
        open_source("a\x00b.csv")


cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30)


@given(st.lists(st.tuples(cells, cells, cells), min_size=1, max_size=20))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_the_csv_module_writes_is_read_back(rows):
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(["a", "b", "c"])
    writer.writerows(rows)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        path.write_bytes(text.getvalue().encode())
        found = rows_of(path)
    assert [tuple(row.values.values()) for row in found] == rows


@given(st.binary(max_size=400))
@example(b"\x1f\x8b")  # the beginning of a gzip file and no more
@settings(max_examples=150, deadline=None)
def test_no_bytes_break_the_readers(data):
    with tempfile.TemporaryDirectory() as folder:
        for name in ("a.csv", "a.jsonl", "a.csv.gz"):
            path = Path(folder) / name
            path.write_bytes(data)
            try:
                found = rows_of(path)
            except InvalidInput:
                continue
            assert all((row.values is None) == bool(row.problem) for row in found)
            lines = [row.line for row in found]
            assert lines == sorted(lines)


@given(st.lists(st.dictionaries(st.text(max_size=8), st.integers() | st.text(max_size=8))))
@settings(max_examples=60, deadline=None)
def test_what_the_json_module_writes_is_read_back(objects):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.jsonl"
        path.write_text("{}\n" + "".join(json.dumps(o) + "\n" for o in objects), encoding="utf-8")
        assert [row.values for row in rows_of(path)] == [{}, *objects]
