"""What the ranker of query recommendations reads of a candidate: one function, offline and online.

Letters: C candidate queries of one list, D size of the unified space, F features.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

SOURCES = ("titles", "names", "expansions", "log", "recent", "onward")
# By group; the order of the columns.
GROUPS: dict[str, tuple[str, ...]] = {
    # with what is typed
    "match": ("kept", "added", "begins"),
    # of the query
    "statistics": ("popularity", "people", "answers", "length", "fresh"),
    # of what it returns, and of the queries that lead to it
    "retrieval": ("coverage", "lift", "shared", "first_hit", "stated", "onward", "neighbour"),
    # the one who asks
    "person": ("own_recency", "own_times", "taste"),
    # products in the unified space
    "vectors": ("query_fit", "person_fit", "has_vector"),
    "source": tuple(f"is_{name}" for name in SOURCES),
    # of the list: the same for each of its candidates, but for the place where it was shown
    "context": ("typed_words", "hits", "breadth", "is_typing", "is_nobody", "place"),
}
NAMES = tuple(name for group in GROUPS.values() for name in group)
PLACE = NAMES.index("place")
# Everything is scored as if it stood there, so that a high place is no merit.
SERVED_PLACE = 1
# What a caller says of each candidate; what it does not say is 0.
STATED = frozenset(
    {
        "kept", "added", "begins", "popularity", "people", "answers", "length", "fresh", "coverage",
        "lift", "shared", "first_hit", "stated", "onward", "neighbour", "own_days", "own_times",
        "taste", "place",
    }
)  # fmt: skip
# A search of one's own is worth half of itself so many days later.
OWN_HALF_LIFE_DAYS = 14.0
FULL_LIFT = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedQuery:
    """What the candidates of one list have in common.

    `words`: how many were typed. `hits`: items found. `breadth`: 0 to 1, how evenly the hits lie
    over categories. `vector`: (D,) float32 of the query as a stranger asks it; `person`: (D,) of
    the one who asks, or of the query as they ask it. None: not known.
    """

    words: int = 0
    hits: int = 0
    breadth: float = 0.0
    is_typing: bool = False
    is_nobody: bool = True
    vector: Floats | None = None
    person: Floats | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryCandidates:
    """C candidates.

    `sources`: the name of each one's source. `stated`: by name of STATED, (C,) numbers. `own_days`:
    days since the viewer searched it, negative for never. `place`: where it was shown, from 1.
    `vectors`: (C, D) float32 of unit length, rows of zeros where unknown; None without a model.
    """

    sources: Sequence[str]
    stated: Mapping[str, Sequence[float] | npt.NDArray[np.floating]] = field(default_factory=dict)
    vectors: Floats | None = None

    def __post_init__(self) -> None:
        """Refuse names that mean nothing and columns of another length."""
        if unknown := set(self.stated) - STATED:
            raise ValueError(f"No feature is made of {sorted(unknown)}.")
        if any(len(column) != len(self.sources) for column in self.stated.values()):
            raise ValueError("Every column has one number for each candidate.")


def read_features(asked: AskedQuery, candidates: QueryCandidates) -> Floats:
    """(C, F) float32, columns in the order of NAMES; finite."""
    count = len(candidates.sources)

    def column(name: str, default: float = 0.0) -> npt.NDArray[np.float64]:
        given = candidates.stated.get(name)
        return np.full(count, default) if given is None else np.asarray(given, np.float64)

    days = column("own_days", -1.0)
    recency = np.exp2(-np.maximum(days, 0.0) / OWN_HALF_LIFE_DAYS)
    table = np.zeros((count, len(NAMES)), np.float64)
    columns: dict[str, npt.NDArray[np.float64]] = {
        **{name: column(name) for name in (
            "kept", "begins", "popularity", "fresh", "coverage", "shared", "first_hit", "stated",
            "neighbour", "taste",
        )},
        **{name: np.log1p(np.maximum(column(name), 0.0)) for name in (
            "added", "people", "answers", "length", "own_times",
        )},
        "onward": np.sqrt(np.clip(column("onward"), 0.0, 1.0)),
        "lift": np.clip(np.log(np.maximum(column("lift"), 1.0)) / np.log(FULL_LIFT), 0.0, 1.0),
        "own_recency": np.where(days >= 0, recency, 0.0),
        "typed_words": np.full(count, float(asked.words)),
        "hits": np.full(count, np.log1p(max(asked.hits, 0))),
        "breadth": np.full(count, asked.breadth),
        "is_typing": np.full(count, float(asked.is_typing)),
        "is_nobody": np.full(count, float(asked.is_nobody)),
        "place": np.log(np.maximum(column("place", SERVED_PLACE), 1.0)),
        **_fits(asked, candidates, count),
    }  # fmt: skip
    for name, source in zip(GROUPS["source"], SOURCES, strict=True):
        columns[name] = np.array([float(one == source) for one in candidates.sources])
    for place, name in enumerate(NAMES):
        table[:, place] = columns[name]
    return np.nan_to_num(table, nan=0.0, posinf=0.0, neginf=0.0).astype(np.float32)


def at_served_place(features: Floats) -> Floats:
    """(C, F) float32 with every candidate at the one place at which all are compared."""
    fixed = np.array(features, np.float32, copy=True)
    fixed[:, PLACE] = np.log(SERVED_PLACE)
    return fixed


def breadth(counts: Sequence[int]) -> float:
    """0 to 1: entropy of how hits lie over categories, relative to as many equal ones."""
    shares = np.array([count for count in counts if count > 0], np.float64)
    if len(shares) < 2:
        return 0.0
    shares /= shares.sum()
    return float(-(shares * np.log(shares)).sum() / np.log(len(shares)))


def _fits(
    asked: AskedQuery, candidates: QueryCandidates, count: int
) -> dict[str, npt.NDArray[np.float64]]:
    zeros = np.zeros(count)
    if candidates.vectors is None:
        return {"query_fit": zeros, "person_fit": zeros, "has_vector": zeros}
    vectors = candidates.vectors.astype(np.float64)
    return {
        "query_fit": zeros if asked.vector is None else np.asarray(vectors @ asked.vector),
        "person_fit": zeros if asked.person is None else np.asarray(vectors @ asked.person),
        "has_vector": np.asarray(vectors.any(axis=1), np.float64),
    }
