"""Both shapes of folders, and what is wrong with others."""

import csv
import json

import numpy as np
import pytest

from recs.ml.sequence_files import UnreadableFile
from recs.ml.unified.joint_files import plain_query, read_joint
from recs.ml.unified.surfaces import ADD, WANT
from tests.recs.ml.unified.joint_world import films, write_artists, write_films

ROWS = [
    ("u2", "2010-02-01", "Noir  Jazz", "a", "Artist A", 1),
    ("u1", "2010-01-01", "noir jazz", "b", "Artist B", 0),
    ("u2", "2010-03-01", "slow", "a", "Artist A", 1),
]


def test_films_are_read_with_their_facts(tmp_path):
    data = films(tmp_path)
    row = data.vocabulary.item_ids.index("7")
    assert data.titles[row] == "Film 7"
    assert data.years[row] == 1957
    assert data.facts[row] == ("genre:horror", "person:Actor 7", "decade:1950s")
    assert "A horror story" in data.texts[row]


def test_only_good_ratings_say_that_a_film_was_wanted(tmp_path):
    data = films(tmp_path)
    assert 0 < len(data.log.wanted.items) < len(data.ratings.items) == 40 * 25
    assert set(data.ratings.values) == {0.4, 1.0}


def test_events_stand_in_order_of_time(tmp_path):
    log = films(tmp_path).log
    for histories in (log.wanted, log.asked):
        for person in range(len(histories)):
            days = histories.select([person]).days
            assert (np.diff(days) >= 0).all()


def test_the_order_of_items_says_nothing(tmp_path):
    ids = [int(name) for name in films(tmp_path, films=400).vocabulary.item_ids]
    assert abs(np.corrcoef(ids, np.arange(400))[0, 1]) < 0.15


def test_a_tag_is_a_query_and_the_first_of_a_listener_says_wanted(tmp_path):
    data = read_joint(write_artists(tmp_path, ROWS))
    assert data.queries.item_ids == ("noir jazz", "slow")
    assert sorted(data.searches.strengths.tolist()) == sorted([ADD, WANT, WANT])
    person = data.log.wanted.people.index("u2")
    assert len(data.log.wanted.items_of(person)) == 1
    assert len(data.log.asked.items_of(person)) == 2


def test_artists_that_no_event_has_can_be_found(tmp_path):
    folder = write_artists(tmp_path, ROWS)
    (folder / "artists.dat").write_text("id\tname\turl\nc\tArtist C\tx\n")
    assert "c" in read_joint(folder).vocabulary


def test_two_who_ask_the_same_ask_the_same():
    assert plain_query(" NOIR\tjazz ") == "noir jazz"


def test_another_folder_is_refused(tmp_path):
    with pytest.raises(UnreadableFile, match=r"neither items\.jsonl"):
        read_joint(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("ratings.csv", "userId,movieId\n1,2\n", "no column rating, timestamp"),
        ("ratings.csv", "userId,movieId,rating,timestamp\n1,2,good,0\n", "'good' is no number"),
        ("tags.csv", "userId,movieId,tag,timestamp\n1,2\n", "lacks a column"),
        ("items.jsonl", '{"movieId": 1}\n', "line 1 is no item"),
        ("items.jsonl", "[]\n", "line 1 is no item"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, name, content, message):
    folder = write_films(tmp_path)
    (folder / name).write_text(content)
    with pytest.raises(UnreadableFile, match=message):
        read_joint(folder)


def test_a_file_that_is_missing_or_no_text_is_named(tmp_path):
    folder = write_films(tmp_path)
    (folder / "tags.csv").unlink()
    with pytest.raises(UnreadableFile, match=r"tags\.csv cannot be read"):
        read_joint(folder)
    (folder / "tags.csv").write_bytes(b"userId,movieId,tag,timestamp\n1,2,\xff\xfe,3\n")
    with pytest.raises(UnreadableFile, match="not UTF-8"):
        read_joint(folder)


def test_a_date_that_is_none_is_refused(tmp_path):
    folder = write_artists(tmp_path, [("u", "01/02/2010", "noir", "a", "A", 1)])
    with pytest.raises(UnreadableFile, match="no date"):
        read_joint(folder)


def test_a_rated_film_that_is_not_listed_is_an_item_without_text(tmp_path):
    folder = write_films(tmp_path)
    with (folder / "ratings.csv").open("a") as file:
        file.write("1,999,5.0,1262304000\n")
    data = read_joint(folder)
    row = data.vocabulary.item_ids.index("999")
    assert data.texts[row] == ""
    assert json.dumps(data.facts[row]) == "[]"


def test_a_field_without_end_is_refused_in_words(tmp_path):
    folder = write_films(tmp_path)
    (folder / "tags.csv").write_text(f"userId,movieId,tag,timestamp\n1,2,{'x' * 9000},3\n")
    longest = csv.field_size_limit(8000)
    try:
        with pytest.raises(UnreadableFile, match=r"tags\.csv, line 2"):
            read_joint(folder)
    finally:
        csv.field_size_limit(longest)


def test_a_file_with_a_mark_before_its_first_name_is_read(tmp_path):
    folder = write_films(tmp_path)
    text = (folder / "tags.csv").read_text()
    (folder / "tags.csv").write_text(text, encoding="utf-8-sig")
    assert len(read_joint(folder).searches)
