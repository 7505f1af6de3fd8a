"""Facts as columns, and how a query names them."""

import numpy as np

from recs.ml.unified.inputs import FactNames, principal_axes

FACTS = [
    ("genre:Film Noir", "person:Ida Lupino"),
    ("genre:Film Noir", "genre:Western"),
    ("genre:Western", "person:Once"),
]


def test_facts_that_one_item_has_say_nothing_of_another():
    assert FactNames.of(FACTS).names == ("genre:Film Noir", "genre:Western")


def test_an_item_has_its_facts_in_a_row_of_unit_length():
    names = FactNames.of(FACTS)
    table = names.table([(), *FACTS]).toarray()
    assert table[0].tolist() == [0.0, 0.0]
    assert np.allclose(table[2], [0.5**0.5, 0.5**0.5])
    assert table[3].tolist() == [0.0, 1.0]


def test_a_query_names_a_fact_by_whole_words_in_order():
    names = FactNames.of(FACTS)
    found = names.recognise(["best FILM-NOIR ever", "film western", "noir film", "westerns", ""])
    named = [sorted(names.names[c] for c in row.indices) for row in found]
    assert named == [["genre:Film Noir"], ["genre:Western"], [], [], []]


def test_products_in_the_axes_are_near_to_those_of_the_vectors():
    random = np.random.default_rng(0)
    vectors = random.normal(size=(50, 4)) @ random.normal(size=(4, 20))
    vectors = vectors.astype(np.float32)
    axes = principal_axes(vectors, 6)
    mapped = vectors @ axes
    assert np.allclose(axes.T @ axes, np.eye(6), atol=1e-4)
    assert np.allclose(mapped @ mapped.T, vectors @ vectors.T, rtol=1e-3, atol=1e-2)


def test_more_axes_than_directions_are_zeros():
    axes = principal_axes(np.eye(3, dtype=np.float32), 5)
    assert axes.shape == (3, 5)
    assert not axes[:, 3:].any()
