"""What the ranker reads of a request and a candidate: one function, offline and online, no torch.

Each feature belongs to a group, and the groups are what a reason can name. All that is counted was
known before the moment that the facts are of, or lies before the request. Letters: R requests, C
candidates, N items, D embedding size, T text vector, G graph vector, F qualities.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from recs.ml.histories import Histories
from recs.ml.item_knn import ItemKnn
from recs.ml.unified.lexical import Bm25
from recs.ml.unified.quality import NAMES
from recs.ml.unified.surfaces import TASKS

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
DoubleFloats = npt.NDArray[np.float64]

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
    ("user_model", "taste"),
    ("user_model_best", "taste"),
    ("knn_same_words", "taste"),
    ("knn_same_words_any", "taste"),
    ("knn_source", "source"),
    ("knn_source_any", "source"),
    ("text_source", "source"),
    ("cosine_source", "source"),
    ("place", "context"),
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemSide:
    """Items as features read them, float32.

    `vectors`: (..., D) of unit length. `text`: (..., T). `graph`: (..., G). `quality`: (..., F).
    `person`: (..., S), as the user model that was trained apart has them; S 0 without one.
    """

    vectors: Floats
    text: Floats
    graph: Floats
    quality: Floats
    person: Floats

    def take(self, rows: Ints) -> "ItemSide":
        """Those at these rows, in the shape of `rows`."""
        return ItemSide(
            vectors=self.vectors[rows],
            text=self.text[rows],
            graph=self.graph[rows],
            quality=self.quality[rows],
            person=self.person[rows],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of all items before a moment: (N + 1, ...) tables, neighbours and words."""

    items: ItemSide
    knn: ItemKnn
    bm25: Bm25


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """(R, C) candidates. `rows`: int64, 0 for an item that came after the moment of the facts.

    `places`: (R, C) int64 from 1, where they stood when they were shown; None for candidates that
    nobody saw yet, whose place is 0. What stands high is taken more often whatever it is: a ranker
    learns that from the place and answers with 0 for all, so it counts for nobody.

    Source: Zhao et al., Recommending What Video to Watch Next, RecSys 2019, section 4.2 (position
        as a feature in training, missing in serving).
    """

    rows: Ints
    side: ItemSide
    places: Ints | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """R requests with what was filled in.

    `tasks`, `sources`: (R,) int64, the source's row. `days`: (R,) float64. `given`: (R, 3) float32,
    whether words, source and person were given. `words`: R texts. `text`: (R, T), `graph`: (R, G)
    float32 of the words. `chosen`: (R, N + 1) sparse, how often each item was chosen for them.
    `vectors`, `stranger`: (R, D) float32, of the request, and of the same asked by a stranger.
    `person`: (R, S) float32 of that user model, zeros for who did nothing.
    `known`: newest items that were wanted. `picked`: those chosen in searches; `same_words`: of
    them those that were for the same words.
    """

    tasks: Ints
    sources: Ints
    days: DoubleFloats
    given: Floats
    words: tuple[str, ...]
    text: Floats
    graph: Floats
    chosen: sparse.csr_matrix
    vectors: Floats
    stranger: Floats
    person: Floats
    known: Histories
    picked: Histories
    same_words: Histories

    def __len__(self) -> int:
        """R."""
        return len(self.tasks)


def read_features(facts: Facts, asked: Question, candidates: Candidates) -> Floats:
    """(R, C, len(NAMES_OF_ALL)) float32, finite; where there is no item the numbers mean nothing.

    Args:
        facts: as of the moment of the model.
        asked: R requests.
        candidates: C for each.
    """
    columns = [
        *_fit(asked, candidates),
        *_words(facts, asked, candidates),
        *_taste(facts, asked, candidates),
        *_source(facts, asked, candidates),
        _places(candidates),
    ]
    pairs = np.stack(columns, axis=2)
    context = np.broadcast_to(
        _context(asked)[:, None], (*candidates.rows.shape, len(CONTEXT_FEATURES))
    )
    found = np.concatenate([pairs, candidates.side.quality, context], axis=2)
    return np.asarray(found, np.float32)


def as_a_stranger(features: Floats) -> Floats:
    """(..., F) float32, the same pairs with nothing known of who asks: a request for words alone.

    Args:
        features: (..., F) by read_features(), of requests without a source.
    """
    found = np.array(features, np.float32)
    place = {name: number for number, name in enumerate(NAMES_OF_ALL)}
    for name, group in zip(NAMES_OF_ALL, GROUP_OF, strict=True):
        if group == "taste" or name in ("has_person", "known_events"):
            found[..., place[name]] = 0.0
    for name in ("knn_history", "knn_same_words"):
        # The logarithm of no share at all.
        found[..., place[name]] = -1.0
    found[..., place["cosine"]] = found[..., place["cosine_of_a_stranger"]]
    return found


def _fit(asked: Question, candidates: Candidates) -> list[Floats]:
    vectors = candidates.side.vectors
    return [_products(asked.vectors, vectors), _products(asked.stranger, vectors)]


def _words(facts: Facts, asked: Question, candidates: Candidates) -> list[Floats]:
    bm25 = _gathered(facts.bm25.score(asked.words), candidates.rows)
    chosen = _gathered(_dense(asked.chosen), candidates.rows)
    return [
        np.log1p(bm25.values),
        bm25.shares,
        _products(asked.text, candidates.side.text),
        np.log1p(chosen.values),
        chosen.shares,
        _products(asked.graph, candidates.side.graph),
    ]


def _taste(facts: Facts, asked: Question, candidates: Candidates) -> list[Floats]:
    knn = _neighbours(facts.knn, asked.known.newest(HISTORY), candidates.rows)
    recent = asked.known.newest(RECENT)
    texts = facts.items.text
    likeness = np.zeros((len(recent), RECENT, texts.shape[1]), np.float32)
    place = np.arange(len(recent.items)) - recent.offsets[recent.owners]
    likeness[recent.owners, place] = texts[recent.items]
    alike = np.einsum("rtd,rcd->rct", likeness, candidates.side.text)
    lengths = np.maximum(recent.lengths, 1)[:, None]
    return [*knn, alike.sum(axis=2) / lengths, alike.max(axis=2), *_again(facts, asked, candidates)]


def _again(facts: Facts, asked: Question, candidates: Candidates) -> list[Floats]:
    """What the person had wanted or chosen before: people look for what they know."""
    shape = (len(asked), len(facts.items.text))
    wanted, lately = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    known = asked.known
    ages = asked.days[known.owners] - known.days
    wanted[known.owners, known.items] = 1.0
    np.maximum.at(lately, (known.owners, known.items), 1.0 / (1.0 + np.log1p(ages)))
    chosen = np.zeros(shape, np.float32)
    chosen[asked.picked.owners, asked.picked.items] = 1.0
    tables = (wanted, lately, chosen)
    return [
        *(np.take_along_axis(table, candidates.rows, axis=1) for table in tables),
        *_user_model(facts, asked, candidates),
        *_neighbours(facts.knn, asked.same_words, candidates.rows),
    ]


def _user_model(facts: Facts, asked: Question, candidates: Candidates) -> list[Floats]:
    """Its log-chance of each candidate, and how far that is below its best; 0 for strangers."""
    items = facts.items.person
    if not items.shape[1]:
        nothing = np.zeros(candidates.rows.shape, np.float32)
        return [nothing, nothing]
    scores = asked.person @ items.T
    scores[:, 0] = -np.inf
    best = scores.max(axis=1, keepdims=True)
    log_sum = best + np.log(np.exp(scores - best).sum(axis=1, keepdims=True))
    own = _products(asked.person, candidates.side.person)
    is_known = np.abs(asked.person).max(axis=1, keepdims=True) > 0
    # A tenth, so that they are of the size of the others.
    return [np.where(is_known, (own - least) / 10, 0.0) for least in (log_sum, best)]


def _source(facts: Facts, asked: Question, candidates: Candidates) -> list[Floats]:
    alone = Histories.of_lists([[row] if row else [] for row in asked.sources.tolist()])
    sources = facts.items.take(asked.sources)
    return [
        *_neighbours(facts.knn, alone, candidates.rows),
        _products(sources.text, candidates.side.text),
        _products(sources.vectors, candidates.side.vectors),
    ]


def _places(candidates: Candidates) -> Floats:
    if candidates.places is None:
        return np.zeros(candidates.rows.shape, np.float32)
    return np.log1p(candidates.places).astype(np.float32)


def _context(asked: Question) -> Floats:
    """(R, len(CONTEXT_FEATURES)) float32."""
    tasks = np.eye(len(TASKS), dtype=np.float32)[asked.tasks]
    words = np.array([len(text.split()) for text in asked.words], np.float32)
    known = np.asarray(asked.chosen.sum(axis=1)).reshape(-1)
    lengths = np.minimum(asked.known.lengths, HISTORY)
    others = (np.log1p(lengths), np.log1p(words), np.log1p(known))
    return np.concatenate([tasks, asked.given, np.stack(others, axis=1)], axis=1)


def _neighbours(knn: ItemKnn, histories: Histories, rows: Ints) -> list[Floats]:
    """How near the neighbours of a history say that candidates are, and whether they say so."""
    found = _gathered(_dense(knn.sparse_scores(histories, np.arange(len(histories)))), rows)
    return [_log(found.shares), (found.values > 0).astype(np.float32)]


@dataclass(frozen=True, slots=True)
class _Gathered:
    """(R, C) each: a score of candidates, and its share of the request's highest."""

    values: Floats
    shares: Floats


def _gathered(scores: Floats, rows: Ints) -> _Gathered:
    values = np.take_along_axis(scores, rows, axis=1)
    highest = np.maximum(scores.max(axis=1, keepdims=True), 1e-9)
    return _Gathered(values, values / highest)


def _dense(table: sparse.csr_matrix) -> Floats:
    return np.asarray(table.toarray(), np.float32)


def _products(left: Floats, right: Floats) -> Floats:
    """(R, C): of each request's vector (R, D) with those of its candidates (R, C, D)."""
    return np.asarray(np.einsum("rd,rcd->rc", left, right), np.float32)


def _log(shares: Floats) -> Floats:
    """Logarithm of a share from 0 to 1, from -1 (nothing) to 0."""
    return np.asarray(np.log(np.maximum(shares, 1e-4)) / -np.log(1e-4), np.float32)
