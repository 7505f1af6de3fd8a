"""People's next typed tags as cases for the ranker of query recommendations: who, when, candidates.

A moment is everything one person typed with one date (`lastfm`: a day; `films`: a second). A case
is a moment that has one before it: known is what everybody typed before a date and what this
person typed before the moment; what the moment holds is to be guessed.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.preprocessing import normalize
from sklearn.utils.extmath import randomized_svd

from recs.ml.query_ranking.features import AskedQuery, QueryCandidates, breadth, read_features
from recs.ml.unified.joint_files import JointData

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

SOURCES = ("popularity", "own recent", "session graph", "text neighbours", "space", "same items")
# What each is called among the sources that the product has.
AS_SERVED = ("log", "recent", "onward", "onward", "onward", "expansions")
OF_EACH = 100
TOP_ITEMS, NEWEST_ITEMS, WITNESSES = 50, 50, 5
SPACE = 64
RRF = 60.0


@dataclass(slots=True)
class Moment:
    """What one person typed at one time: rows of queries and of the items they were typed for."""

    person: int
    day: float
    words: Ints
    items: Ints


@dataclass(frozen=True, slots=True)
class Case:
    """One person's history until a moment, and what they typed then."""

    person: int
    day: float
    past: tuple[Moment, ...]
    targets: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """C candidates of a case: rows, features, popularity, places in each source's list (C, S)."""

    rows: Ints
    features: Floats
    popularity: npt.NDArray[np.float64]
    places: Ints

    @property
    def fused(self) -> npt.NDArray[np.float64]:
        """(C,) reciprocal rank fusion of the sources: the stated score of this benchmark."""
        return np.where(self.places > 0, 1.0 / (RRF + self.places), 0.0).sum(axis=1)


@dataclass
class Known:
    """What everybody typed before a date, and what candidates and features are made of."""

    before: float
    people: npt.NDArray[np.float64]
    by_item: sparse.csr_matrix
    onward: sparse.csr_matrix
    space: Floats
    text: Floats
    lengths: Ints
    words: list[frozenset[str]]
    witnesses: list[Ints] = field(default_factory=list)

    @property
    def popularity(self) -> npt.NDArray[np.float64]:
        """(Q,) from 0 to 1, as the store of queries has it."""
        return np.log1p(self.people) / max(np.log1p(self.people.sum()), 1e-9)


def moments_of(data: JointData) -> dict[int, list[Moment]]:
    """By person, oldest first."""
    searches = data.searches
    order = np.lexsort((searches.days, searches.persons))
    found: dict[int, list[Moment]] = {}
    persons, days = searches.persons[order], searches.days[order]
    edges = np.flatnonzero((np.diff(persons) != 0) | (np.diff(days) != 0)) + 1
    for part in np.split(order, edges):
        if len(part):
            person = int(searches.persons[part[0]])
            found.setdefault(person, []).append(
                Moment(
                    person,
                    float(searches.days[part[0]]),
                    np.unique(searches.words[part]),
                    np.unique(searches.items[part]),
                )
            )
    return found


def cases_between(
    moments: dict[int, list[Moment]], start: float, end: float, most: int, seed: int
) -> list[Case]:
    """At most so many cases of [start, end), by lot, in the order of time."""
    cases = [
        Case(person, moment.day, tuple(each[:n]), moment.words)
        for person, each in moments.items()
        for n, moment in enumerate(each)
        if n and start <= moment.day < end
    ]
    if len(cases) > most:
        lots = np.random.default_rng(seed).choice(len(cases), most, replace=False)
        cases = [cases[place] for place in lots]
    return sorted(cases, key=lambda case: (case.day, case.person))


def known_before(
    data: JointData, moments: dict[int, list[Moment]], before: float, text: Floats, seed: int
) -> Known:
    """Statistics, session graph and space of everything typed before a day."""
    count = len(data.queries.item_ids) + 1
    searches = data.searches.select(data.searches.days < before)
    pairs = np.unique(searches.persons * count + searches.words)
    people = np.bincount(pairs % count, minlength=count).astype(float)
    ones = np.ones(len(searches.words))
    shape = (count, len(data.vocabulary.item_ids) + 1)
    by_item = sparse.csr_matrix((ones, (searches.words, searches.items)), shape)
    by_item.sum_duplicates()
    spread = by_item.copy()
    spread.data = np.log1p(spread.data)
    left, values, _ = randomized_svd(
        normalize(spread), min(SPACE, min(shape) - 2), random_state=seed
    )
    texts = ["", *data.queries.item_ids]
    return Known(
        before=before,
        people=people,
        by_item=by_item,
        onward=_onward(moments, before, count),
        space=normalize(left * values).astype(np.float32),
        text=text,
        lengths=np.array([len(words.split()) for words in texts], np.int64),
        words=[frozenset(words.split()) for words in texts],
        witnesses=[
            by_item.indices[by_item.indptr[row] : by_item.indptr[row + 1]][
                np.argsort(-by_item.data[by_item.indptr[row] : by_item.indptr[row + 1]])[:WITNESSES]
            ]
            for row in range(count)
        ],
    )


def _onward(moments: dict[int, list[Moment]], before: float, count: int) -> sparse.csr_matrix:
    """(Q, Q): the share of what people typed next, or with it, for each query."""
    sources, targets, weights = [], [], []
    for each in moments.values():
        known = [moment for moment in each if moment.day < before]
        pairs = [(one, one.words) for one in known]
        pairs += [(one, then.words) for one, then in itertools.pairwise(known)]
        for moment, then in pairs:
            # A day on which somebody tagged everything says little of each pair.
            weight = 1.0 / np.sqrt(len(moment.words) * len(then))
            sources.append(np.repeat(moment.words, len(then)))
            targets.append(np.tile(then, len(moment.words)))
            weights.append(np.full(len(moment.words) * len(then), weight))
    if not sources:
        return sparse.csr_matrix((count, count))
    table = sparse.csr_matrix(
        (np.concatenate(weights), (np.concatenate(sources), np.concatenate(targets))),
        (count, count),
    )
    table.setdiag(0)
    return normalize(table, norm="l1").tocsr()


def find(case: Case, known: Known) -> Found:
    """The candidates of every source with their features: only what was known then is read."""
    last = case.past[-1]
    count = len(known.people)
    own_days = np.full(count, -1.0)
    own_times = np.zeros(count)
    for moment in case.past:
        own_days[moment.words] = case.day - moment.day
        own_times[moment.words] += 1
    typed = last.words
    items = np.concatenate([moment.items for moment in case.past])[::-1][:NEWEST_ITEMS]
    asked = _unit(known.space[typed].mean(axis=0))
    scores = (
        known.people,
        np.where(own_days >= 0, 1e6 - own_days + 1e-3 * own_times, 0.0),
        np.asarray(known.onward[typed].mean(axis=0)).ravel(),
        known.text @ _unit(known.text[typed].mean(axis=0)),
        known.space @ asked,
        np.asarray(known.by_item[:, items].sum(axis=1)).ravel() / np.sqrt(1.0 + known.people),
    )
    places = np.zeros((count, len(SOURCES)), np.int64)
    for column, values in enumerate(scores):
        best = np.argsort(-values, kind="stable")[:OF_EACH]
        best = best[values[best] > 0]
        places[best, column] = np.arange(1, len(best) + 1)
    places[0] = 0
    rows = np.flatnonzero(places.any(axis=1))
    found = Found(
        rows=rows, features=np.zeros((0, 0), np.float32),
        popularity=known.people[rows], places=places[rows],
    )  # fmt: skip
    features = _features(case, known, found, scores, (own_days, own_times, items, asked))
    return Found(rows=rows, features=features, popularity=known.people[rows], places=places[rows])


def _features(case: Case, known: Known, found: Found, scores, own) -> Floats:
    own_days, own_times, items, asked = own
    rows, last = found.rows, case.past[-1]
    typed = frozenset().union(*(known.words[row] for row in last.words))
    hits = np.asarray(known.by_item[last.words].sum(axis=0)).ravel()
    top = np.argsort(-hits, kind="stable")[:TOP_ITEMS]
    top = top[hits[top] > 0]
    among = (known.by_item[:, top] > 0)[rows]
    coverage = np.asarray(among.sum(axis=1)).ravel() / max(1, len(top))
    answers = np.diff(known.by_item.indptr)[rows]
    catalog = known.by_item.shape[1]
    order = {int(item): place for place, item in enumerate(top, start=1)}
    places = [
        [order[i] for i in known.witnesses[row].tolist() if i in order] for row in rows.tolist()
    ]
    person = np.concatenate([moment.words for moment in case.past])
    kept = [len(known.words[row] & typed) / max(1, len(typed)) for row in rows.tolist()]
    first = np.argmax(np.where(found.places > 0, 1.0 / np.maximum(found.places, 1), 0.0), axis=1)
    return read_features(
        AskedQuery(
            words=len(typed), hits=int((hits > 0).sum()), is_nobody=False,
            breadth=breadth(np.asarray(known.by_item[:, top].sum(axis=1)).ravel().tolist()),
            vector=asked, person=_unit(known.space[person].mean(axis=0)),
        ),
        QueryCandidates(
            sources=[AS_SERVED[column] for column in first],
            stated={
                "kept": kept,
                "added": [len(known.words[row] - typed) for row in rows.tolist()],
                "begins": np.zeros(len(rows)),
                "popularity": known.popularity[rows],
                "people": known.people[rows],
                "answers": answers,
                "length": known.lengths[rows],
                "coverage": coverage,
                "lift": coverage * catalog / np.maximum(1, answers),
                "shared": [len(each) / WITNESSES for each in places],
                "first_hit": [1.0 / min(each) if each else 0.0 for each in places],
                "stated": found.fused * 20,
                "onward": scores[2][rows],
                "neighbour": np.asarray(scores[3])[rows],
                "own_days": own_days[rows],
                "own_times": own_times[rows],
                "taste": [
                    np.isin(known.witnesses[row], items).sum() / max(1, len(known.witnesses[row]))
                    for row in rows.tolist()
                ],
            },
            vectors=known.space[rows],
        ),
    )  # fmt: skip


def each_found(cases: list[Case], known: Known) -> Iterator[tuple[Case, Found]]:
    """Case after case with its candidates."""
    for case in cases:
        yield case, find(case, known)


def _unit(vector: Floats) -> Floats:
    return (vector / max(float(np.linalg.norm(vector)), 1e-9)).astype(np.float32)
