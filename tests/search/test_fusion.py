from search.candidates import Candidate
from search.dense import DenseMatch, cut, cut_beside_exact
from search.fusion import fuse, is_exact_title
from search.lexical import LexicalMatch
from search.text import without_article
from search.tsquery import parse


def candidate(item_id, title, people=0, year=2000):
    return Candidate(item_id, title, [], [], [], year, None, 0.0, people)


def order(query, lexical, dense, candidates, near_enough=100):
    by_id = {each.item_id: each for each in candidates}
    return fuse(
        parse(query),
        lexical=lexical,
        dense=dense,
        candidates=by_id,
        near_enough=near_enough,
    )


def test_an_exact_title_stands_above_everything():
    found = order(
        "the godfather",
        [LexicalMatch(1, "all", 0.9), LexicalMatch(2, "all", 0.1), LexicalMatch(3, "all", 0.9)],
        [DenseMatch(3, 0.9), DenseMatch(1, 0.8)],
        [candidate(1, "The Godfather Part II", 99), candidate(2, "Godfather"), candidate(3, "X")],
    )
    assert [one.candidate.item_id for one in found] == [2, 1, 3]
    assert found[0].source == "exact_title"


def test_matches_of_all_words_stand_above_what_is_only_near():
    found = order(
        "red shoes",
        [LexicalMatch(1, "all", 0.1), LexicalMatch(2, "most", 0.9)],
        [DenseMatch(3, 0.9), DenseMatch(2, 0.8)],
        [candidate(1, "A"), candidate(2, "B"), candidate(3, "C", people=1000)],
    )
    assert [one.candidate.item_id for one in found] == [1, 2, 3]
    assert [one.source for one in found] == ["lexical", "lexical+dense", "dense"]


def test_scores_fall_with_the_order_and_stay_between_0_and_1():
    ids = range(1, 60)
    found = order(
        "x",
        [LexicalMatch(n, ("all", "most", "title")[n % 3], 1 / n) for n in ids],
        [DenseMatch(n, 1 / n) for n in ids if n % 2],
        [candidate(n, "x" if n == 7 else f"x {n}", people=n) for n in ids],
    )
    scores = [one.score for one in found]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score <= 1 for score in scores)


def test_popularity_decides_among_equal_matches():
    matches = [LexicalMatch(n, "all", 0.18) for n in (1, 2, 3)]
    candidates = [candidate(1, "A", 5), candidate(2, "B", 50), candidate(3, "C", 0)]
    assert [one.candidate.item_id for one in order("drama", matches, [], candidates)] == [2, 1, 3]


def asked(query):
    return without_article(parse(query).normalized)


def test_a_title_is_exact_with_another_article_accents_or_its_year():
    assert is_exact_title(asked("godfather"), "The Godfather", 1972)
    assert is_exact_title(asked("the godfather 1972"), "The Godfather", 1972)
    assert is_exact_title(asked("amelie"), "Amélie", 2001)
    assert not is_exact_title(asked("godfather 1973"), "The Godfather", 1972)
    assert not is_exact_title(asked("…"), "…", None)


def test_the_tail_is_cut_relative_to_the_best_and_absolutely():
    matches = [DenseMatch(n, score) for n, score in enumerate([0.8, 0.65, 0.63, 0.2])]
    assert [match.item_id for match in cut(matches)] == [0, 1]
    assert cut([DenseMatch(1, 0.27), DenseMatch(2, 0.26)]) == []
    assert cut([]) == []


def test_beside_an_exact_title_stands_only_what_is_very_close():
    matches = [DenseMatch(1, 0.75), DenseMatch(2, 0.7), DenseMatch(3, 0.61)]
    assert [match.item_id for match in cut_beside_exact(matches, {1})] == [1, 2]
    assert cut_beside_exact(matches, {3}) == []
