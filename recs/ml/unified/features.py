"""What the ranker reads of a request and a candidate: one function, offline and online.

Each feature belongs to a group, and the groups are what a reason can name. All that is counted was
known before the moment that `Prepared` is of, or lies before the request.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recs.ml.histories import Histories
from recs.ml.unified.impute import impute
from recs.ml.unified.prepared import Prepared
from recs.ml.unified.quality import NAMES
from recs.ml.unified.retriever import Retriever
from recs.ml.unified.surfaces import TASKS, Requests, newest_then

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

# Newest items of a person that neighbours and likeness are counted from.
HISTORY = 50
# Newest events of a person that are read at all.
LONGEST = 2_000
# Newest searches of a person that are looked through.
ASKED = 500
RECENT = 10

GROUPS = ("fit", "words", "taste", "source", "quality", "context")
# Of pairs, in the order in which they stand; then the qualities, then what is of the request alone.
PAIR_FEATURES = (
    ("cosine", "fit"),
    ("cosine_of_a_stranger", "words"),
    ("bm25", "words"),
    ("bm25_share", "words"),
    ("text", "words"),
    ("chosen", "words"),
    ("chosen_share", "words"),
    ("graph", "words"),
    ("knn_history", "taste"),
    ("knn_history_any", "taste"),
    ("text_history", "taste"),
    ("text_history_best", "taste"),
    ("wanted_before", "taste"),
    ("wanted_lately", "taste"),
    ("chosen_before", "taste"),
    ("knn_same_words", "taste"),
    ("knn_same_words_any", "taste"),
    ("knn_source", "source"),
    ("knn_source_any", "source"),
    ("text_source", "source"),
    ("cosine_source", "source"),
)
CONTEXT_FEATURES = (
    *(f"is_{task}" for task in TASKS),
    "has_words",
    "has_source",
    "has_person",
    "known_events",
    "word_count",
    "known_words",
)
NAMES_OF_ALL = (*(name for name, _ in PAIR_FEATURES), *NAMES, *CONTEXT_FEATURES)
GROUP_OF = (
    *(group for _, group in PAIR_FEATURES),
    *("quality" for _ in NAMES),
    *("context" for _ in CONTEXT_FEATURES),
)


@dataclass(frozen=True, slots=True)
class FeatureReader:
    """Features of requests and candidates, as of the moment of `prepared`."""

    prepared: Prepared
    retriever: Retriever

    def read(self, requests: Requests, candidates: Ints) -> Floats:
        """(R, C, F) float32, finite, in the order of NAMES_OF_ALL.

        Args:
            requests: R of them.
            candidates: (R, C) int64 item rows; of 0, which is no item, the numbers mean nothing.
        """
        asked = _Asked.of(self, requests)
        columns = [
            *self._fit(asked, candidates),
            *self._words(asked, candidates),
            *self._taste(asked, candidates),
            *self._source(asked, candidates),
        ]
        pairs = np.stack(columns, axis=2)
        quality = self.prepared.quality[candidates]
        context = np.broadcast_to(
            self._context(asked)[:, None], (*candidates.shape, len(CONTEXT_FEATURES))
        )
        return np.concatenate([pairs, quality, context], axis=2).astype(np.float32)

    def _fit(self, asked: "_Asked", candidates: Ints) -> list[Floats]:
        vectors = self.retriever.items[candidates]
        return [
            np.einsum("rd,rcd->rc", asked.vectors, vectors),
            np.einsum("rd,rcd->rc", asked.stranger, vectors),
        ]

    def _words(self, asked: "_Asked", candidates: Ints) -> list[Floats]:
        prepared = self.prepared
        rows = asked.filled.words
        bm25 = _gathered(
            prepared.bm25.score([prepared.texts.rows[row] for row in rows]), candidates
        )
        chosen = _gathered(np.asarray(prepared.chosen[rows].todense(), np.float32), candidates)
        text = _products(prepared.texts.words[rows], prepared.texts.items, candidates)
        graph = _products(prepared.words.graph[rows], prepared.items.graph, candidates)
        return [
            np.log1p(bm25.values),
            bm25.shares,
            text,
            np.log1p(chosen.values),
            chosen.shares,
            graph,
        ]

    def _taste(self, asked: "_Asked", candidates: Ints) -> list[Floats]:
        prepared = self.prepared
        everybody = np.arange(len(asked.history))
        found = prepared.knn.sparse_scores(asked.history, everybody)
        knn = _gathered(np.asarray(found.todense(), np.float32), candidates)
        recent = asked.history.newest(RECENT)
        texts = prepared.texts.items
        likeness = np.zeros((len(recent), RECENT, texts.shape[1]), np.float32)
        place = np.arange(len(recent.items)) - recent.offsets[recent.owners]
        likeness[recent.owners, place] = texts[recent.items]
        alike = np.einsum("rtd,rcd->rct", likeness, texts[candidates])
        lengths = np.maximum(recent.lengths, 1)[:, None]
        return [
            _log(knn.shares),
            (knn.values > 0).astype(np.float32),
            alike.sum(axis=2) / lengths,
            alike.max(axis=2),
            *self._again(asked, candidates),
        ]

    def _again(self, asked: "_Asked", candidates: Ints) -> list[Floats]:
        """What the person had wanted or chosen before: people look for what they know."""
        size = self.prepared.item_count + 1
        shape = (len(asked.history), size)
        wanted, lately = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        known = asked.known
        ages = asked.filled.days[known.owners] - known.days
        wanted[known.owners, known.items] = 1.0
        np.maximum.at(lately, (known.owners, known.items), 1.0 / (1.0 + np.log1p(ages)))
        chosen = np.zeros(shape, np.float32)
        chosen[asked.chosen.owners, asked.chosen.items] = 1.0
        everybody = np.arange(len(asked.same_words))
        found = self.prepared.knn.sparse_scores(asked.same_words, everybody)
        knn = _gathered(np.asarray(found.todense(), np.float32), candidates)
        return [
            *(np.take_along_axis(table, candidates, axis=1) for table in (wanted, lately, chosen)),
            _log(knn.shares),
            (knn.values > 0).astype(np.float32),
        ]

    def _source(self, asked: "_Asked", candidates: Ints) -> list[Floats]:
        prepared = self.prepared
        sources = asked.filled.sources
        alone = Histories.of_lists([[row] if row else [] for row in sources.tolist()])
        found = prepared.knn.sparse_scores(alone, np.arange(len(alone)))
        knn = _gathered(np.asarray(found.todense(), np.float32), candidates)
        items = self.retriever.items
        return [
            _log(knn.shares),
            (knn.values > 0).astype(np.float32),
            _products(prepared.texts.items[sources], prepared.texts.items, candidates),
            _products(items[sources], items, candidates),
        ]

    def _context(self, asked: "_Asked") -> Floats:
        """(R, len(CONTEXT_FEATURES)) float32."""
        prepared = self.prepared
        tasks = np.eye(len(TASKS), dtype=np.float32)[asked.filled.tasks]
        rows = asked.filled.words
        words = np.array([len(prepared.texts.rows[row].split()) for row in rows], np.float32)
        known = np.asarray(prepared.chosen[rows].sum(axis=1)).reshape(-1)
        others = (np.log1p(asked.history.lengths), np.log1p(words), np.log1p(known))
        return np.concatenate([tasks, asked.given, np.stack(others, axis=1)], axis=1)


@dataclass(frozen=True, slots=True)
class _Asked:
    """Requests with what was filled in, their vectors, and what their people wanted before."""

    filled: Requests
    given: Floats
    vectors: Floats
    stranger: Floats
    # Newest items that were wanted, all that were, and those that were chosen in a search, of them
    # for the same words.
    history: Histories
    known: Histories
    chosen: Histories
    same_words: Histories

    @classmethod
    def of(cls, reader: FeatureReader, requests: Requests) -> "_Asked":
        read_by = reader.retriever.reader
        log = read_by.log
        imputed = impute(requests, log, read_by.first_title, enabled=read_by.imputes)
        who = (requests.persons, requests.days)
        known = newest_then(log.wanted, *who, LONGEST)
        asked = newest_then(log.asked, *who, ASKED)
        chosen = newest_then(log.chosen, *who, ASKED)
        same = asked.items == imputed.requests.words[asked.owners]
        return cls(
            filled=imputed.requests,
            given=imputed.given.astype(np.float32),
            vectors=reader.retriever.encode(requests),
            stranger=reader.retriever.encode(requests.signed_out()),
            history=known.newest(HISTORY),
            known=known,
            chosen=chosen,
            same_words=chosen.only(same),
        )


@dataclass(frozen=True, slots=True)
class _Gathered:
    """(R, C) each: a score of candidates, and its share of the request's highest."""

    values: Floats
    shares: Floats


def _gathered(scores: Floats, candidates: Ints) -> _Gathered:
    values = np.take_along_axis(scores, candidates, axis=1)
    highest = np.maximum(scores.max(axis=1, keepdims=True), 1e-9)
    return _Gathered(values, values / highest)


def _products(left: Floats, right: Floats, candidates: Ints) -> Floats:
    """(R, C): of each request's vector with those of its candidates."""
    return np.asarray(np.einsum("rd,rcd->rc", left, right[candidates]), np.float32)


def _log(shares: Floats) -> Floats:
    """Logarithm of a share from 0 to 1, from -1 (nothing) to 0."""
    return np.asarray(np.log(np.maximum(shares, 1e-4)) / -np.log(1e-4), np.float32)


def in_parts(
    count: int, size: int, work: Callable[[Ints], npt.NDArray[np.generic]]
) -> list[npt.NDArray[np.generic]]:
    """What `work` makes of the places from 0 to `count`, a part at a time."""
    return [
        work(np.arange(start, min(start + size, count), dtype=np.int64))
        for start in range(0, count, size)
    ]
