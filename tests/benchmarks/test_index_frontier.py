"""Indexes of the same vectors: each finds what it should, and nothing of it stays behind."""

import os

import numpy as np
import psycopg
import pytest
from django.db import connection

from benchmarks.index_frontier import KINDS, TABLE, K, best_products, measure, padded


def vectors(count, size=24, seed=0):
    table = np.random.default_rng(seed).normal(size=(count, size)).astype(np.float32)
    return table / np.linalg.norm(table, axis=1, keepdims=True)


def test_padding_keeps_the_real_ones_and_their_lengths():
    items = vectors(50) * np.linspace(1, 2, 50, dtype=np.float32)[:, None]
    more = padded(items, 200, seed=1)
    assert (more[:50] == items).all()
    assert len(more) == 200
    lengths = np.linalg.norm(more, axis=1)
    assert np.isin(lengths.round(3), np.linalg.norm(items, axis=1).round(3)).all()
    assert len(np.unique(more.round(5), axis=0)) == 200
    assert (padded(items, 10, seed=1) == items).all()


def test_the_hundredth_best_is_the_hundredth_best():
    items, asks = vectors(300), vectors(4, seed=5)
    expected = np.sort(asks @ items.T, axis=1)[:, -K]
    assert best_products(items, asks) == pytest.approx(expected)


@pytest.mark.django_db
def test_every_kind_finds_the_more_the_longer_it_looks(monkeypatch, capsys):
    monkeypatch.setitem(os.environ, "DATABASE_URL", _url())
    rows = measure(padded(vectors(400), 1500, seed=2), vectors(12, seed=5))
    assert len(rows) == 1 + sum(len(kind.values) for kind in KINDS)
    assert rows[0]["recall"] == 1.0
    place = 1
    for kind in KINDS:
        own = rows[place : place + len(kind.values)]
        place += len(kind.values)
        assert own[-1]["recall"] >= own[0]["recall"]
        assert own[-1]["recall"] > 0.95, kind.name
        assert own[0]["megabytes"] > 0
    assert capsys.readouterr().out.count("\n") == len(rows) + 3
    with psycopg.connect(_url()) as other:
        assert other.execute("SELECT to_regclass(%s)", [TABLE]).fetchone() == (None,)


def _url():
    """Of the tests' own database."""
    named = connection.get_connection_params()
    parts = {
        name: named[name]
        for name in ("host", "port", "user", "password", "dbname")
        if named.get(name)
    }
    return psycopg.conninfo.make_conninfo(**parts)
