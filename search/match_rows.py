"""Labels as rows of the match filter: what was graded, with the features of a request.

Bad is grade 0, good are grades 2 and 3; what is graded 1 is neither, and counts as volume. A label
of another guideline or of another text of the item is stale and left out, and so is everything that
belongs to a frozen evaluation set: its pairs, its queries or people, and its items.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db.models import Exists, OuterRef, Q, QuerySet

from catalog.event_kinds import EventKind
from catalog.labels import stale
from catalog.models import Event, Label
from catalog.types import Viewer
from recs.history import History, read_history
from recs.match_filter import FIT, RELEVANCE, taste_of
from recs.match_items import ReadItems, read_items
from recs.ml.match import fit_features, relevance_features
from recs.ml.match.texts import Rarity
from recs.models import FrozenLabels, NeighbourVersion
from search.finding import by_words_and_meaning, read
from search.match_filter import asked_of
from search.stages import Stages
from search.text import normalize_query
from search.types import SearchRequest

Floats = npt.NDArray[np.float32]
DoubleFloats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

LEAST_GOOD, BAD = 2, 0
# A pair that was drawn with chance p stands for 1/p; more than so many it does not stand for.
MOST_WEIGHT = 20.0
# What a person says counts so many times what a language model says.
PERSON_WEIGHT = 3.0
# A thing that somebody waved away, beside a graded one.
DISLIKE_WEIGHT = 0.3
MOST_DISLIKES = 2_000
HEADS = {RELEVANCE: relevance_features.NAMES, FIT: fit_features.NAMES}


@dataclass(frozen=True, slots=True, kw_only=True)
class Graded:
    """R labels of one head.

    `features`: (R, F). `grades`: (R,). `groups`, `items`: (R,) int64, the query or person, and the
    item, copies of one item the same. `times`: (R,) seconds. `weights`: (R,), 1 / propensity,
    clipped. `is_human`: (R,), whose; `is_weak`: (R,), what was waved away and not graded. `ranker`:
    (R,), the score by which search or recommendations would have put it in order.
    """

    features: Floats
    grades: Ints
    groups: Ints
    items: Ints
    times: DoubleFloats
    weights: DoubleFloats
    is_human: Bools
    is_weak: Bools
    ranker: DoubleFloats

    def __len__(self) -> int:
        """R."""
        return len(self.grades)

    @property
    def bad(self) -> Bools:
        """(R,)."""
        return np.asarray(self.grades == BAD)

    @property
    def good(self) -> Bools:
        """(R,)."""
        return np.asarray(self.grades >= LEAST_GOOD)

    def take(self, mask: Bools) -> "Graded":
        """Those that are marked."""
        return Graded(**{name: getattr(self, name)[mask] for name in self.__slots__})


@dataclass(frozen=True, slots=True)
class _Row:
    """One label, or one dislike."""

    item_id: int
    grade: int
    at: datetime
    propensity: float | None
    is_human: bool
    is_weak: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """The labels of one group with what is read of them."""

    rows: Sequence[_Row]
    features: Floats
    copies: Sequence[int]
    scores: Sequence[float]


def read_graded(head: str, *, as_of: datetime, rarity: Rarity) -> Graded:
    """Every usable label of a head from before a moment.

    Args:
        head: "relevance" or "fit".
        as_of: exclusive; what came later is not seen, in labels and in histories.
        rarity: of the catalog's words.
    """
    frozen = _Frozen.of(head)
    if head == RELEVANCE:
        return _relevance(_labels(head, as_of, frozen), rarity)
    return _fit(_labels(head, as_of, frozen), _dislikes(as_of, frozen))


def usable_labels(kind: str) -> QuerySet[Label]:
    """Labels of people and language models that are not stale.

    Where an adjudicator had the last word on a pair, that counts and what other people said of it
    does not.
    """
    last_word = Label.objects.filter(
        Q(person=OuterRef("person")) | Q(person__isnull=True, query=OuterRef("query")),
        kind=OuterRef("kind"), item=OuterRef("item"), source=Label.Source.FINAL,
    )  # fmt: skip
    return (
        Label.objects.filter(~stale(), kind=kind)
        .exclude(source=Label.Source.MODEL)
        .exclude(Exists(last_word), source=Label.Source.HUMAN)
    )


@dataclass(frozen=True, slots=True)
class _Frozen:
    """External IDs and queries of the evaluation sets."""

    queries: frozenset[str]
    people: frozenset[str]
    items: frozenset[str]

    @classmethod
    def of(cls, kind: str) -> "_Frozen":
        pairs = [pair for row in FrozenLabels.objects.filter(kind=kind) for pair in row.pairs]
        return cls(
            queries=frozenset(normalize_query(pair.get("query") or "") for pair in pairs),
            people=frozenset(str(pair.get("person") or "") for pair in pairs),
            items=frozenset(str(pair["item"]) for pair in pairs),
        )


def _labels(kind: str, as_of: datetime, frozen: _Frozen) -> dict[Any, list[_Row]]:
    """By query, or by the key of a person."""
    found: dict[Any, list[_Row]] = defaultdict(list)
    rows = usable_labels(kind).filter(created_at__lt=as_of).order_by("pk")
    for label in rows.values_list(
        "query", "person_id", "person__external_id", "item_id", "item__external_id", "grade",
        "created_at", "propensity", "source",
    ):  # fmt: skip
        query, person, named, item_id, external, grade, at, propensity, source = label
        of_query = kind == RELEVANCE
        asked = normalize_query(query) if of_query else str(named)
        is_frozen = asked in (frozen.queries if of_query else frozen.people)
        if is_frozen or external in frozen.items:
            continue
        key = query if of_query else person
        is_human = source != Label.Source.LLM
        found[key].append(_Row(item_id, grade, at, propensity, is_human))
    return found


def _dislikes(as_of: datetime, frozen: _Frozen) -> dict[int, list[_Row]]:
    """What people waved away after it was shown to them: bad, and less sure than a grade."""
    found: dict[int, list[_Row]] = defaultdict(list)
    rows = (
        Event.objects.before(as_of)
        .filter(kind=EventKind.DISLIKE, person__isnull=False, query_id__isnull=False)
        .order_by("-time", "-id")
        .values_list("person_id", "person__external_id", "item_id", "item__external_id", "time")
    )
    for person, named, item_id, external, at in rows[:MOST_DISLIKES]:
        if str(named) not in frozen.people and external not in frozen.items:
            found[person].append(_Row(item_id, BAD, at, None, is_human=True, is_weak=True))
    return found


def _relevance(by_query: Mapping[str, Sequence[_Row]], rarity: Rarity) -> Graded:
    def features(query: str, rows: Sequence[_Row]) -> _Read | None:
        request = SearchRequest(query=query)
        reading = read(request)
        if reading.query.is_empty:
            return None
        found = by_words_and_meaning(reading, request, Stages())
        asked, items = asked_of(found, [row.item_id for row in rows])
        read_ = relevance_features.relevance_features(asked, items.texts, items.vectors, rarity)
        score = {one.candidate.item_id: one.score for one in found.scored}
        return _aligned(rows, items, read_, score)

    return _graded(RELEVANCE, by_query, features)


def _fit(by_person: Mapping[int, list[_Row]], dislikes: Mapping[int, list[_Row]]) -> Graded:
    joined = {
        person: [*by_person.get(person, ()), *dislikes.get(person, ())]
        for person in sorted({*by_person, *dislikes})
    }

    def features(person: int, rows: Sequence[_Row]) -> _Read | None:
        # As of the first of them, so that no grade sees what was done after it.
        history: History = read_history(
            viewer=Viewer(person_id=person), as_of=min(row.at for row in rows)
        )
        taste, _ = taste_of(history)
        if taste.is_empty:
            return None
        items = _but_for(person, read_items([row.item_id for row in rows]))
        read_ = fit_features.fit_features(taste, items.texts, items.vectors)
        score = dict(zip(items.ids, read_[:, fit_features.COSINE].tolist(), strict=True))
        return _aligned(rows, items, read_, score)

    return _graded(FIT, joined, features)


def _but_for(person: int, items: ReadItems) -> ReadItems:
    """The items with one person taken out of how many wanted each.

    Who graded a thing well and then wanted it counts among those who did: that would give the
    grade away, and a request, which comes before, would not know it.
    """
    counted = NeighbourVersion.objects.live().values_list("as_of", flat=True).first()
    if counted is None:
        return items
    acts = Event.objects.positive().before(counted).of_viewer(person_id=person, anonymous_id=None)
    own = set(acts.filter(item__in=items.ids).values_list("item_id", flat=True))
    return replace(
        items,
        texts=tuple(
            replace(text, people=max(0.0, text.people - 1)) if item_id in own else text
            for item_id, text in zip(items.ids, items.texts, strict=True)
        ),
    )


def _aligned(
    rows: Sequence[_Row], items: ReadItems, read_: Floats, score: Mapping[int, float]
) -> _Read | None:
    """A row of features for each label; several labels of one item have the same."""
    place = {item_id: number for number, item_id in enumerate(items.ids)}
    kept = [row for row in rows if row.item_id in place]
    places = [place[row.item_id] for row in kept]
    if not kept:
        return None
    return _Read(
        rows=kept,
        features=read_[places],
        # Copies of one item are one: they have the same title.
        copies=[_number(items.texts[number].title) for number in places],
        scores=[score.get(row.item_id, 0.0) for row in kept],
    )


def _graded(
    head: str,
    by_group: Mapping[Any, Sequence[_Row]],
    features: Callable[[Any, Sequence[_Row]], _Read | None],
) -> Graded:
    tables: list[Floats] = [np.zeros((0, len(HEADS[head])), np.float32)]
    kept: list[_Row] = []
    groups: list[int] = []
    copies: list[int] = []
    ranker: list[float] = []
    for group in sorted(by_group):
        found = features(group, by_group[group])
        if found is None:
            continue
        tables.append(found.features)
        kept += found.rows
        groups += [_number(group)] * len(found.rows)
        copies += found.copies
        ranker += found.scores
    return Graded(
        features=np.concatenate(tables),
        grades=np.array([row.grade for row in kept], np.int64),
        groups=np.array(groups, np.int64),
        items=np.array(copies, np.int64),
        times=np.array([row.at.timestamp() for row in kept], np.float64),
        weights=np.array([_weight(row) for row in kept], np.float64),
        is_human=np.array([row.is_human for row in kept], np.bool_),
        is_weak=np.array([row.is_weak for row in kept], np.bool_),
        ranker=np.array(ranker, np.float64),
    )


def _weight(row: _Row) -> float:
    if not row.propensity or row.propensity <= 0:
        return 1.0
    return min(MOST_WEIGHT, 1.0 / row.propensity)


def _number(group: object) -> int:
    """The same query in another writing, and the same person, has one number."""
    text = normalize_query(group) if isinstance(group, str) else str(group)
    return int.from_bytes(blake2b(text.encode(), digest_size=7).digest())
