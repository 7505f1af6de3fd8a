import numpy as np
import pytest

from recs.ml.relevance.pairs import plain_text, products_of, read_pairs
from recs.ml.sequence_files import UnreadableFile
from tests.recs.ml.relevance.world import COLUMNS, pairs_of, rows, write_rows


def test_a_file_is_read_and_its_order_means_nothing(tmp_path):
    listed = rows()
    one = read_pairs(write_rows(tmp_path / "one.csv", listed), judged=True)
    other = read_pairs(write_rows(tmp_path / "other.csv", listed[::-1]), judged=True)
    assert one.ids == other.ids
    assert one.titles == other.titles
    assert np.array_equal(one.grades, other.grades)
    assert sorted(one.ids) == sorted(row["id"] for row in listed)
    assert one.is_judged


def test_gains_are_those_of_ndcg():
    pairs = pairs_of(rows()[:9])
    assert pairs.gains.tolist() == [7, 7, 7, 3, 3, 1, 0, 0, 0]


def test_groups_are_queries_and_products_are_texts():
    pairs = pairs_of(rows())
    assert len(set(pairs.groups.tolist())) == 6
    for one, other in ((0, 1), (0, 9)):
        same = pairs.queries[one] == pairs.queries[other]
        assert (pairs.groups[one] == pairs.groups[other]) == same
    products, numbers = products_of(pairs)
    assert [products[number][0] for number in numbers] == list(pairs.titles)


def test_grades_may_lack_where_pairs_are_only_scored(tmp_path):
    path = write_rows(tmp_path / "a.csv", rows(), COLUMNS[:4])
    assert not read_pairs(path, judged=False).is_judged
    with pytest.raises(UnreadableFile, match="no column median_relevance"):
        read_pairs(path, judged=True)


@pytest.mark.parametrize("column", COLUMNS[:4])
def test_a_missing_column_is_named(tmp_path, column):
    path = write_rows(tmp_path / "a.csv", rows(), [name for name in COLUMNS if name != column])
    with pytest.raises(UnreadableFile, match=f"no column {column}"):
        read_pairs(path, judged=False)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"median_relevance": "nan"}, "line 3: median_relevance is 'nan', not from 1 to 4"),
        ({"median_relevance": ""}, "line 3: median_relevance is ''"),
        ({"median_relevance": "5"}, "not from 1 to 4"),
        ({"median_relevance": "good"}, "'good', no number"),
        ({"relevance_variance": "-1"}, "relevance_variance is '-1'"),
        ({"relevance_variance": "nan"}, "relevance_variance is 'nan'"),
        ({"id": "0"}, "the id '0' is empty or stands twice"),
        ({"id": " "}, "the id '' is empty"),
        ({"query": " \t"}, "the query is empty"),
    ],
)
def test_a_bad_row_is_told_with_its_line(tmp_path, change, message):
    listed = rows()
    listed[1].update(change)
    with pytest.raises(UnreadableFile, match=message):
        read_pairs(write_rows(tmp_path / "a.csv", listed), judged=True)


def test_files_without_pairs_are_told(tmp_path):
    with pytest.raises(UnreadableFile, match="there is no pair in it"):
        read_pairs(write_rows(tmp_path / "a.csv", []), judged=True)
    (tmp_path / "b.csv").write_text("")
    with pytest.raises(UnreadableFile, match="no column id, query"):
        read_pairs(tmp_path / "b.csv", judged=True)
    (tmp_path / "c.csv").write_bytes(b"id,query\xff\n")
    with pytest.raises(UnreadableFile, match="is not UTF-8"):
        read_pairs(tmp_path / "c.csv", judged=True)
    with pytest.raises(UnreadableFile, match=r"d\.csv cannot be read"):
        read_pairs(tmp_path / "d.csv", judged=True)
    (tmp_path / "e.csv").write_text(",".join(COLUMNS) + "\n1,shoe\n")
    with pytest.raises(UnreadableFile, match="line 2 lacks a column"):
        read_pairs(tmp_path / "e.csv", judged=True)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("home dÃ©cor", "home décor"),
        ("itâ€™ll be", "it’ll be"),  # noqa: RUF001  (the mark that was meant)
        ("Café für 日本", "Café für 日本"),
        ("<p>Thank&nbsp;you &amp; more</p>", "Thank you & more"),
        ("&lt;b&gt;bold&lt;/b&gt;", "bold"),
        ("<style> .a { color: red } </style>shoe<br/>black", "shoe black"),
        ("a < b and c > d", "a d"),
        (" 5 <  6\n\tshoes ", "5 < 6 shoes"),
        ("", ""),
    ],
)
def test_texts_lose_tags_entities_and_wrong_encodings(text, plain):
    assert plain_text(text) == plain
