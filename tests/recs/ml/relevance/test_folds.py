import numpy as np
import pytest

from recs.ml.relevance.folds import folds_of, unite
from tests.recs.ml.relevance.world import THINGS, pairs_of, rows


def queries_of(united, places):
    return {united.pairs.queries[place] for place in places.tolist()}


def test_no_query_is_scored_by_what_saw_it_and_each_is_scored_once():
    pairs = pairs_of(rows())
    united = unite(pairs, pairs)
    assert len(united.pairs) == len(pairs)
    folds = folds_of(united, 3, seed=0)
    assert len(folds) == 3
    for fold in folds:
        assert not queries_of(united, fold.taught) & queries_of(united, fold.asked)
    asked = np.concatenate([fold.asked for fold in folds])
    assert sorted(asked.tolist()) == list(range(len(pairs)))


def test_files_of_other_queries_need_no_folds():
    united = unite(pairs_of(rows(THINGS[:3])), pairs_of(rows(("desk", "sofa"), first_id=900)))
    (fold,) = folds_of(united, 3, seed=0)
    assert len(fold.taught) == 27
    assert len(fold.asked) == 18
    assert queries_of(united, fold.taught) & queries_of(united, fold.asked) == set()


def test_a_query_that_only_one_file_has_is_scored_in_all_folds():
    united = unite(pairs_of(rows(THINGS[:4])), pairs_of(rows((*THINGS[:4], "desk"), first_id=900)))
    new = {"red desk"}
    assert new < queries_of(united, united.asked)
    for fold in folds_of(united, 2, seed=0):
        assert new <= queries_of(united, fold.asked)
        assert not queries_of(united, fold.taught) & queries_of(united, fold.asked)


def test_pairs_in_both_files_stand_once_and_grades_are_of_the_first():
    listed = rows()
    other = [{**row, "id": f"x{row['id']}", "median_relevance": "1"} for row in listed[::-1]]
    united = unite(pairs_of(listed), pairs_of(other))
    assert len(united.pairs) == len(listed)
    assert np.array_equal(united.pairs.grades, pairs_of(listed).grades)
    titles = [united.pairs.titles[place] for place in united.asked.tolist()]
    assert titles == [row["product_title"] for row in other]


def test_a_pair_that_stands_twice_stays_twice():
    listed = rows()[:2]
    twin = {**listed[0], "id": "twin"}
    united = unite(pairs_of([*listed, twin]), pairs_of([*listed, twin]))
    assert len(united.pairs) == 3
    assert united.asked.tolist() == [0, 1, 2]


def test_without_grades_nothing_is_taught():
    united = unite(None, pairs_of(rows()))
    assert not len(united.taught)
    assert np.isnan(united.pairs.grades).all()


def test_one_query_cannot_teach_itself():
    pairs = pairs_of(rows(("shoe",)))
    with pytest.raises(ValueError, match="two or more"):
        folds_of(unite(pairs, pairs), 5, seed=0)


def test_another_seed_makes_other_folds():
    pairs = pairs_of(rows())
    united = unite(pairs, pairs)
    drawn = {tuple(folds_of(united, 3, seed=seed)[0].asked.tolist()) for seed in range(6)}
    assert len(drawn) > 1
