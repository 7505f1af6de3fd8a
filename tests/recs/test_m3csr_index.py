import numpy as np
import pytest
from django.db import connection

from benchmarks.m3csr_index import load, search
from recs.ml.m3csr_fit import fit_m3csr
from tests.recs.ml.m3csr_world import CPU, ITEMS, planted_world, small_config

K = 10


@pytest.mark.django_db
def test_the_index_of_exported_vectors_gives_what_exact_search_gives():
    world = planted_world(cold=40)
    fitted = fit_m3csr(world.histories, world.content, small_config(epochs=4), CPU)
    users, items = fitted.encode_users(world.histories), fitted.encode_items()[1:]
    exact = np.argsort(-(users @ items.T), axis=1)[:, :K] + 1
    connection.ensure_connection()
    load(connection.connection, items)
    found, _ = search(connection.connection, users, 40)
    recall = np.mean([len(set(a) & set(b)) / K for a, b in zip(exact, found, strict=True)])
    assert recall >= 0.95
    # Items that nobody took are among what is retrieved.
    assert max(row for rows in found for row in rows) > ITEMS - 40
