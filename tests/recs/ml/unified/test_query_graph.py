"""The graph of words and items."""

import numpy as np

from recs.ml.unified.query_graph import edges_of, fit_query_graph


def two_worlds():
    """Words 1, 2 chose items 1-3, words 3, 4 chose items 4-6; 5 and 7 are in no edge."""
    words = np.array([1, 1, 2, 2, 3, 3, 4, 4, 0, 3])
    items = np.array([1, 2, 2, 3, 4, 5, 5, 6, 6, 0])
    return edges_of(words, items, (6, 8))


def test_edges_count_and_nothing_is_no_edge():
    edges = two_worlds()
    assert edges.sum() == 8
    assert edges[0].nnz == edges[:, 0].nnz == 0


def test_words_are_near_to_items_of_their_world_even_without_an_edge():
    graph = fit_query_graph(two_worlds(), dimensions=2)
    scores = graph.words @ graph.items.T
    assert scores[1, 3] > scores[1, 4] + 0.3
    assert scores[4, 4] > scores[4, 1] + 0.3


def test_who_has_no_edge_has_no_vector():
    graph = fit_query_graph(two_worlds(), dimensions=4)
    assert not graph.words[5].any()
    assert not graph.items[7].any()
    assert not graph.words[0].any()


def test_more_dimensions_than_the_graph_has_are_no_vectors_of_chance():
    graph = fit_query_graph(two_worlds(), dimensions=6)
    assert not graph.words[[0, 5]].any()
    assert not graph.items[[0, 7]].any()


def test_the_same_each_time_and_nothing_of_nothing():
    first, second = (fit_query_graph(two_worlds(), dimensions=4) for _ in range(2))
    assert (first.words == second.words).all()
    empty = fit_query_graph(edges_of(np.zeros(0, int), np.zeros(0, int), (3, 4)), dimensions=4)
    assert empty.words.shape == (3, 4)
    assert not empty.items.any()
