"""Who agrees with whom: the tables of the page Agreement, from the labels that count now."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from catalog.judging.agreement import (
    NOMINAL,
    ORDINAL,
    Agreement,
    Counts,
    cohen_kappa,
    krippendorff_alpha,
)
from catalog.judging.settled import settle
from catalog.labels import GRADES, stale
from catalog.models import Judgement, Label

SETTLED = "settled grades"
# Tables of more judges are not read by anybody.
MOST_RATERS = 16
# From so many grades on a judge who gives one of them nearly always is told of.
LEAST_GRADES = 20
NEARLY_ALWAYS = 0.9
# A judge is told of whose known answers are right less often than this.
LEAST_KNOWN, LEAST_RIGHT = 10, 0.6

Pair = tuple[str, int | None, int]
Rater = tuple[str, str]  # source, name
Grades = Mapping[Rater, Mapping[Pair, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Two:
    """Two who graded the same pairs. `same`: how many of them alike."""

    first: str
    second: str
    plain: Agreement
    weighted: Agreement
    same: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A judge. `common`: the grade they give most. `right` of `known` known answers they gave."""

    name: str
    grades: int
    counts: tuple[int, ...]
    common: int
    share: float
    unsure: int
    with_others: Agreement
    known: int
    right: int
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All of it, of one kind of labels."""

    ordinal: Agreement
    nominal: Agreement
    people: list[Person]
    between_people: list[Two]
    with_models: list[Two]

    @property
    def flagged(self) -> list[Person]:
        """Judges of whom something is to be told."""
        return [person for person in self.people if person.flags]


def report(kind: str) -> Report:
    """Agreement of the labels of a kind that are not stale."""
    labels = list(
        Label.objects.filter(~stale(), kind=kind).only(
            "query", "person", "item", "source", "labeller", "grade", "kind", "propensity"
        )
    )
    grades = _grades(labels)
    people = _most(grades, (Label.Source.HUMAN,))
    models = _most(grades, (Label.Source.LLM, Label.Source.MODEL))
    counts = _counts(grades, [rater for rater in grades if rater[0] == Label.Source.HUMAN])
    judges = {("", SETTLED): _settled(labels), **{rater: grades[rater] for rater in people}}
    return Report(
        ordinal=krippendorff_alpha(counts, level=ORDINAL),
        nominal=krippendorff_alpha(counts, level=NOMINAL),
        people=_people(kind, grades, people),
        between_people=[two for a, b in combinations(people, 2) if (two := _two(grades, a, b))],
        with_models=[
            two for model in models for judge in judges
            if (two := _two({**grades, **judges}, judge, model))
        ],
    )  # fmt: skip


def _grades(labels: Iterable[Label]) -> dict[Rater, dict[Pair, int]]:
    found: dict[Rater, dict[Pair, int]] = {}
    for one in labels:
        key = (one.query, one.person_id, one.item_id)
        found.setdefault((one.source, one.labeller), {})[key] = one.grade
    return found


def _most(grades: Grades, sources: Sequence[str]) -> list[Rater]:
    """Those who graded most, in the order of their names."""
    raters = [rater for rater in grades if rater[0] in sources]
    return sorted(sorted(raters, key=lambda one: (-len(grades[one]), one))[:MOST_RATERS])


def _settled(labels: Iterable[Label]) -> dict[Pair, int]:
    of_pair: dict[Pair, list[Label]] = {}
    for one in labels:
        if one.source in (Label.Source.HUMAN, Label.Source.FINAL):
            of_pair.setdefault((one.query, one.person_id, one.item_id), []).append(one)
    found = {key: settle(given, judges=2) for key, given in of_pair.items()}
    return {key: one.grade for key, one in found.items() if one is not None}


def _counts(grades: Grades, raters: Sequence[Rater]) -> Counts:
    """(U, C): how many of the raters gave each pair each grade."""
    rows: dict[Pair, Counts] = {}
    for rater in raters:
        for key, grade in grades[rater].items():
            rows.setdefault(key, np.zeros(len(GRADES), np.int64))[grade] += 1
    return np.array(list(rows.values()), np.int64).reshape(-1, len(GRADES))


def _two(grades: Grades, first: Rater, second: Rater) -> Two | None:
    table = _table(grades[first], [grades[second]])
    if not table.sum():
        return None
    return Two(
        first=first[1],
        second=second[1],
        plain=cohen_kappa(table),
        weighted=cohen_kappa(table, quadratic=True),
        same=int(np.trace(table)),
    )


def _table(own: Mapping[Pair, int], others: Iterable[Mapping[Pair, int]]) -> Counts:
    table = np.zeros((len(GRADES), len(GRADES)), np.int64)
    for other in others:
        for key in own.keys() & other.keys():
            table[own[key], other[key]] += 1
    return table


def _people(kind: str, grades: Grades, people: Sequence[Rater]) -> list[Person]:
    names = [name for _, name in people]
    turns = Judgement.objects.filter(pair__kind=kind, labeller__in=names)
    unsure = Counter(
        turns.filter(outcome=Judgement.Outcome.CANT_SAY).values_list("labeller", flat=True)
    )
    tried = turns.filter(
        is_calibration=True, outcome=Judgement.Outcome.GRADED, pair__known__isnull=False
    ).values_list("labeller", "grade", "pair__known__grade")
    known = Counter(name for name, _, _ in tried)
    right = Counter(name for name, grade, answer in tried if grade == answer)
    return [
        _person(
            rater, grades, others=[grades[other] for other in people if other != rater],
            unsure=unsure[rater[1]], known=known[rater[1]], right=right[rater[1]],
        )
        for rater in people
    ]  # fmt: skip


def _person(
    rater: Rater, grades: Grades, *, others: list[Mapping[Pair, int]], unsure: int, known: int,
    right: int,
) -> Person:  # fmt: skip
    own = grades[rater]
    counted = Counter(own.values())
    common, times = min(counted.items(), key=lambda one: (-one[1], one[0]))
    share = times / len(own)
    flags = []
    if len(own) >= LEAST_GRADES and share >= NEARLY_ALWAYS:
        flags.append(f"{share:.0%} of {len(own):,} grades are a {common}")
    if known >= LEAST_KNOWN and right / known < LEAST_RIGHT:
        flags.append(f"{right:,} of {known:,} known answers right")
    return Person(
        name=rater[1],
        grades=len(own),
        counts=tuple(counted[grade] for grade in GRADES),
        common=common,
        share=share,
        unsure=unsure,
        with_others=cohen_kappa(_table(own, others), quadratic=True),
        known=known,
        right=right,
        flags=tuple(flags),
    )
