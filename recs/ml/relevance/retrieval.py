"""The first stage: the products of a file that a query should be answered from, best first.

Words and meaning, mixed with weights that found the most on queries with known answers; then the
first products found say what the others should be like.

Source: Rocchio, Relevance feedback in information retrieval, 1971 (the second step, here with the
    first hits taken for good ones).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.feature_extraction.text import TfidfVectorizer

from recs.ml.relevance.measures import recall_by_query
from recs.ml.relevance.pairs import Pairs, numbers_of, products_of
from recs.ml.relevance.words import content_words, stems
from recs.ml.unified.lexical import fit_bm25

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

K = 50
SIGNALS = ("bm25 title", "bm25 description", "letters", "title", "full", "like the first")
# Without queries to tune on.
UNTUNED: Mapping[str, float] = {
    "bm25 title": 0.5,
    "bm25 description": 0.1,
    "letters": 0.5,
    "title": 1.0,
    "full": 1.0,
    "like the first": 1.0,
}
_TRIED = (0.0, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0)
# Products of the first step that say what the others should be like.
_FIRST = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """Q queries, N distinct products of a file.

    `tables`: (Q, N) float32 by name, all but the last of SIGNALS, each query's of mean 0 and
    spread 1. `products`: (N, D) float32 unit vectors. `relevant`: of each query the products that
    were judged 3 or 4. `queries`: their texts. `first_pairs`: (N,) the first pair of each product.
    """

    tables: Mapping[str, Floats]
    products: Floats
    relevant: tuple[Ints, ...]
    queries: tuple[str, ...]
    first_pairs: Ints

    def select(self, rows: Ints) -> "Signals":
        """Some of the queries; the products stay."""
        return Signals(
            tables={name: table[rows] for name, table in self.tables.items()},
            products=self.products,
            relevant=tuple(self.relevant[row] for row in rows.tolist()),
            queries=tuple(self.queries[row] for row in rows.tolist()),
            first_pairs=self.first_pairs,
        )


def read_signals(pairs: Pairs, queries: Floats, titles: Floats, full: Floats) -> Signals:
    """What each product of a file is to each of its queries.

    Args:
        pairs: P; grades say what is relevant and nothing else.
        queries: (P, D) float32 unit vectors of the queries.
        titles: of the titles.
        full: of titles with descriptions.
    """
    texts, query_rows = numbers_of(pairs.queries)
    products, product_rows = products_of(pairs)
    _, query_first = np.unique(query_rows, return_index=True)
    _, first = np.unique(product_rows, return_index=True)
    asked = queries[query_first]
    titled, described = zip(*products, strict=True)
    tables = {
        "bm25 title": _bm25(texts, titled),
        "bm25 description": _bm25(texts, described),
        "letters": _letters(texts, titled),
        "title": asked @ titles[first].T,
        "full": asked @ full[first].T,
    }
    with np.errstate(invalid="ignore"):
        good = np.round(pairs.grades) >= 3
    relevant = tuple(
        np.unique(product_rows[good & (query_rows == row)]) for row in range(len(texts))
    )
    return Signals(
        tables={name: _standard(table) for name, table in tables.items()},
        products=full[first],
        relevant=relevant,
        queries=texts,
        first_pairs=first.astype(np.int64),
    )


def _bm25(queries: Sequence[str], texts: Sequence[str]) -> Floats:
    index = fit_bm25([" ".join(stems(text)) for text in texts])
    return index.score([" ".join(content_words(stems(query))) for query in queries])[:, 1:]


def _letters(queries: Sequence[str], texts: Sequence[str]) -> Floats:
    """Cosines of groups of three and four letters: misspelt and joined words still meet."""
    reader = TfidfVectorizer(
        analyzer="char_wb", ngram_range=(3, 4), sublinear_tf=True, dtype=np.float32
    )
    found = reader.fit_transform([text or " - " for text in texts])
    return np.asarray((reader.transform(queries) @ found.T).todense(), np.float32)


def _standard(table: Floats) -> Floats:
    """Each query's scores with mean 0 and spread 1; all 0 where they do not differ."""
    spread = table.std(axis=1, keepdims=True)
    centred = table - table.mean(axis=1, keepdims=True)
    return np.asarray(centred / np.where(spread > 1e-6, spread, 1.0), np.float32)


def retrieve(signals: Signals, weights: Mapping[str, float], k: int = K) -> list[Ints]:
    """The k best products of each query, places in `signals.products`, best first."""
    mixed = sum(
        (weights[name] * table for name, table in signals.tables.items()),
        np.zeros((len(signals.queries), len(signals.products)), np.float32),
    )
    if weight := weights["like the first"]:
        first = _best(mixed, _FIRST)
        centres = signals.products[first].mean(axis=1)  # (Q, D)
        mixed = mixed + weight * _standard(centres @ signals.products.T)
    return list(_best(mixed, k))


def _best(scores: Floats, k: int) -> Ints:
    """(Q, k) int64, best first."""
    k = min(k, scores.shape[1])
    found = np.argpartition(-scores, k - 1, axis=1)[:, :k]
    order = np.argsort(-np.take_along_axis(scores, found, axis=1), axis=1, kind="stable")
    return np.take_along_axis(found, order, axis=1)


def mean_recall(signals: Signals, weights: Mapping[str, float], k: int = K) -> float:
    """Mean over the queries that have something relevant; NaN where none has."""
    rows = np.array([row for row, found in enumerate(signals.relevant) if len(found)], np.int64)
    if not len(rows):
        return float("nan")
    part = signals.select(rows)
    return float(recall_by_query(retrieve(part, weights, k), part.relevant, k).mean())


def tune_weights(signals: Signals) -> dict[str, float]:
    """Weights that find the most on these queries, searched one after the other, around twice."""
    best = dict(UNTUNED)
    found = mean_recall(signals, best)
    if np.isnan(found):
        return best
    for _ in range(2):
        for name in SIGNALS:
            for value in _TRIED:
                tried = {**best, name: value}
                if (gain := mean_recall(signals, tried)) > found:
                    best, found = tried, gain
    return best
