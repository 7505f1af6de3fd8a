"""The settled grade of a pair: what whoever learns from people's labels reads.

One rule, for every consumer:

1. what an adjudicator said (Label.Source.FINAL);
2. else, where enough people graded it and no two of them are 2 or more apart, the median of their
   grades; the lower one of two in the middle, so that a doubtful match is not called a good one;
3. else none.

Labels of another text of the item, or of another version of the guideline, do not count.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from django.conf import settings

from catalog.judging.turns import APART
from catalog.labels import stale
from catalog.models import Label

CHUNK = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """The grade of an item for a query, or for a person.

    `judges`: how many people graded it, apart from an adjudicator. `source`: "final" or "human".
    `propensity`: with which chance the pair was drawn; None where it was not.
    """

    kind: str
    query: str
    person_id: int | None
    item_id: int
    grade: int
    judges: int
    source: str
    propensity: float | None


def settled_labels(kind: str, *, judges: int | None = None) -> Iterator[Settled]:
    """Every pair of a kind whose grade is settled, ordered by query, person and item.

    Args:
        kind: Label.Kind.
        judges: how many people must have graded it; CATALOG_JUDGES_PER_PAIR where it is None.
    """
    labels = Label.objects.filter(
        ~stale(), kind=kind, source__in=(Label.Source.HUMAN, Label.Source.FINAL)
    )
    least = settings.CATALOG_JUDGES_PER_PAIR if judges is None else judges
    # Only the columns that are read: the rows may be many.
    rows = labels.only("kind", "query", "person", "item", "grade", "source", "propensity")
    # Through the API there may be several final ones: the newest stands.
    ordered = rows.order_by("query", "person_id", "item_id", "-pk").iterator(chunk_size=CHUNK)
    for _, of_pair in groupby(ordered, key=lambda one: (one.query, one.person_id, one.item_id)):
        if (found := settle(of_pair, judges=least)) is not None:
            yield found


def settle(labels: Iterable[Label], *, judges: int) -> Settled | None:
    """The settled grade of one pair, from all its labels of people; None where there is none."""
    given = list(labels)
    final = [one.grade for one in given if one.source == Label.Source.FINAL]
    people = sorted(one.grade for one in given if one.source == Label.Source.HUMAN)
    grade = final[0] if final else _agreed(people, judges)
    if grade is None:
        return None
    drawn = [one.propensity for one in given if one.propensity is not None]
    return Settled(
        kind=given[0].kind,
        query=given[0].query,
        person_id=given[0].person_id,
        item_id=given[0].item_id,
        grade=grade,
        judges=len(people),
        source=Label.Source.FINAL if final else Label.Source.HUMAN,
        propensity=drawn[0] if drawn else None,
    )


def _agreed(people: list[int], judges: int) -> int | None:
    if len(people) < max(judges, 1) or people[-1] - people[0] >= APART:
        return None
    return people[(len(people) - 1) // 2]
