"""Cases of typed tags: what is a moment, and that nothing later is read."""

import numpy as np
import pytest

from benchmarks.next_query_cases import cases_between, find, known_before, moments_of
from recs.ml.query_ranking.features import NAMES
from recs.ml.unified.joint_files import read_joint

HEAD = "user\tdate\ttag_query\tartist_id\tartist\talso_listened\n"
TAGS = ("rock", "folk", "jazz", "soul rock", "new folk", "blues")


def folder(path, rows):
    path.mkdir()
    lines = [
        f"{person}\t{day}\t{tag}\t{item}\tArtist {item}\t1\n" for person, day, tag, item in rows
    ]
    (path / "tag_events.tsv").write_text(HEAD + "".join(lines))
    return read_joint(path)


def rows():
    rng = np.random.default_rng(0)
    return [
        (f"p{person}", f"2010-0{month}-1{day}", TAGS[int(rng.integers(6))], int(rng.integers(9)))
        for person in range(12)
        for month in range(1, 7)
        for day in range(2)
    ]


def day_of(text):
    return float(np.datetime64(text, "D").astype(int))


def found_before(data, day):
    """The candidates of every case of the days after it, by person and day."""
    moments = moments_of(data)
    text = np.random.default_rng(1).normal(size=(len(data.queries.item_ids) + 1, 8))
    known = known_before(data, moments, day, text.astype(np.float32), seed=0)
    cases = cases_between(moments, day, day + 20, most=99, seed=0)
    return [(case, find(case, known)) for case in cases]


def test_a_case_has_a_moment_before_it_and_its_targets_are_what_was_typed(tmp_path):
    data = folder(tmp_path / "a", rows())
    found = found_before(data, day_of("2010-04-01"))
    assert found
    for case, candidates in found:
        assert case.past[-1].day < case.day
        assert len(case.targets)
        assert candidates.features.shape == (len(candidates.rows), len(NAMES))
        assert (candidates.places.max(axis=1) > 0).all()


def test_what_is_typed_later_changes_no_feature(tmp_path):
    first = [row for row in rows() if row[1] < "2010-05"]
    # The same words, so that rows of the vocabulary stay.
    later = [("p0", "2010-06-20", tag, 3) for tag in TAGS] * 4
    day = day_of("2010-04-01")
    one, two = (
        found_before(folder(tmp_path / name, each), day)
        for name, each in (("a", first), ("b", first + later))
    )
    assert len(one) == len(two) > 5
    for (_, a), (_, b) in zip(one, two, strict=True):
        assert a.rows.tolist() == b.rows.tolist()
        assert a.features == pytest.approx(b.features, abs=1e-5)
