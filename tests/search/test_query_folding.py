"""Near-duplicates: the better one is shown, the others point to it."""

import numpy as np
import pytest

from catalog.models import Answer
from catalog.types import Viewer
from recs.versions import query_encoder
from search.models import Query
from search.query_folding import NEAR, Stored, find_folds, fold_queries
from search.query_store import build_queries, set_review
from search.suggest import suggest
from tests.search.films import log_search, visitor

REWORDED = (
    ("movies about space", "films about space"),
    ("funny films with dogs", "funny dog films"),
    ("war films", "movies about war"),
    ("samurai film", "samurai movies"),
    ("films about time travel", "time travel movies"),
)
DIFFERENT = (
    ("french comedy", "italian comedy"),
    ("danish drama", "norwegian drama"),
    ("american comedy", "american dark comedy"),
    ("alfred hitchcock thriller", "alfred hitchcock mystery"),
    ("movies about dogs", "movies about cats"),
    ("crime drama", "crime thriller"),
)


def stored(number, text, **fields):
    given = {
        "source": "log", "rule": "searched", "review": "approved", "is_decided": False,
        "witnesses": frozenset({1, 2, 3}), "people": 3, "popularity": 0.1,
    } | fields  # fmt: skip
    return Stored(id=number, normalized=text, **given)


def encoded(texts):
    return dict(zip(texts, query_encoder().encode(texts), strict=True))


def near(texts):
    """Everything has the same vector."""
    return {text: np.ones(1, dtype=np.float32) for text in texts}


def test_the_threshold_parts_rewordings_from_other_queries():
    for pairs, is_near in ((REWORDED, True), (DIFFERENT, False)):
        for pair in pairs:
            a, b = query_encoder().encode(pair)
            assert (float(a @ b) >= NEAR) == is_near, pair


def test_the_same_words_in_another_order_or_number_are_folded_into_the_better_one():
    rows = [
        stored(1, "comedies french", people=4),
        stored(2, "french comedy", people=9),
        stored(3, "the french comedies", people=5),
        stored(4, "french drama"),
    ]
    assert find_folds(rows) == {1: 2, 3: 2}


def test_of_equally_many_people_the_more_popular_one_keeps():
    rows = [stored(1, "a b", popularity=0.1), stored(2, "b a", popularity=0.5)]
    assert find_folds(rows) == {1: 2}


def test_what_the_catalog_says_keeps_and_is_never_folded():
    rows = [
        stored(1, "comedies french", people=90),
        stored(2, "french comedy", source="expansions", people=0),
        stored(3, "kubrick stanley", people=90),
        stored(4, "stanley kubrick", source="names", people=0),
    ]
    assert find_folds(rows) == {1: 2, 3: 4}


def test_the_plural_of_a_title_is_another_thing():
    rows = [stored(1, "aliens", people=9), stored(2, "alien", source="titles")]
    assert find_folds(rows, vectors=near) == {}


def test_near_vectors_count_only_where_the_answers_overlap_and_figures_agree():
    rows = [
        stored(1, "space films", people=9),
        stored(2, "movies in space"),
        stored(3, "films on the moon", witnesses=frozenset({8, 9})),
        stored(4, "space films 1960s", people=2),
    ]
    assert find_folds(rows, vectors=near) == {2: 1}


def test_a_query_that_says_more_is_another_one_however_near():
    rows = [
        stored(1, "westerns with john wayne", people=9),
        stored(2, "american westerns with john wayne"),
        stored(3, "westerns without john wayne"),
        stored(4, "the best westerns by wayne john"),
    ]
    assert find_folds(rows, vectors=near) == {4: 1}


def test_real_vectors_fold_a_rewording_and_keep_what_differs():
    texts = [text for pair in (*REWORDED, *DIFFERENT) for text in pair]
    rows = [stored(n, text, people=100 - n) for n, text in enumerate(texts)]
    into = find_folds(rows, vectors=encoded)
    assert into == {2 * n + 1: 2 * n for n in range(len(REWORDED))}


def test_none_is_folded_into_one_that_is_folded_itself():
    rows = [stored(1, "a b", people=3), stored(2, "b a", people=4), stored(3, "c d", people=9)]
    into = find_folds(rows, vectors=near)
    assert into == {1: 3, 2: 3}


def test_a_proposal_takes_the_place_of_nothing_that_is_shown():
    rows = [stored(1, "a b"), stored(2, "b a", people=9, review="proposed")]
    assert find_folds(rows) == {}


def test_what_an_editor_approved_is_not_folded_and_keeps():
    rows = [stored(1, "a b", is_decided=True), stored(2, "b a", people=9)]
    assert find_folds(rows) == {2: 1}


@pytest.mark.parametrize("review", ["rejected", "banned"])
def test_what_an_editor_refused_does_not_come_back_in_another_order(review):
    rows = [stored(1, "a b", review=review, is_decided=True), stored(2, "b a", people=9)]
    assert find_folds(rows) == {2: 1}


@pytest.fixture
def typed(films):
    """Two wordings of the same, typed by several people."""
    for n in range(4):
        log_search("hulot comedies", viewer=visitor(f"v{n}"), items=[films["Playtime"]])
    for n in range(3):
        log_search("comedy hulot", viewer=visitor(f"v{n}"), items=[films["Playtime"]])
    build_queries()
    return films


@pytest.mark.django_db
def test_a_folded_query_is_kept_and_not_shown(typed):
    assert fold_queries() == 1
    folded = Query.objects.get(normalized="comedy hulot")
    assert (folded.folded_into.normalized, folded.held_back) == ("hulot comedies", "folded")
    shown = suggest(prefix="comedy h", viewer=Viewer()).queries
    assert "comedy hulot" not in {query.text for query in shown}
    fold_queries()
    build_queries()
    folded.refresh_from_db()
    assert folded.held_back == "folded"


@pytest.mark.django_db
def test_it_is_unfolded_when_the_other_is_gone_or_a_person_wants_it(typed):
    fold_queries()
    folded = Query.objects.get(normalized="comedy hulot")
    set_review(query_ids=[folded.pk], review="approved", by="ed")
    fold_queries()
    folded.refresh_from_db()
    assert (folded.held_back, folded.folded_into) == ("", None)
    assert Query.objects.get(normalized="hulot comedies").folded_into == folded


@pytest.mark.django_db
def test_a_build_that_deletes_the_better_one_shows_the_other_again(typed):
    fold_queries()
    Answer.objects.filter(normalized_query="hulot comedies").delete()
    build_queries()
    assert not Query.objects.filter(normalized="hulot comedies").exists()
    left = Query.objects.get(normalized="comedy hulot")
    assert (left.held_back, left.folded_into) == ("", None)
    assert "comedy hulot" in {q.text for q in suggest(prefix="comedy h", viewer=Viewer()).queries}
