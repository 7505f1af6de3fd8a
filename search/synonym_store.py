"""What is stored of synonyms: stated by editors, proposed by sources, reviewed by people."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from catalog.errors import Conflict, InvalidInput
from search.models import Synonym
from search.synonym_sets import SynonymSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A set that a source thinks of, and what speaks for it."""

    stated: SynonymSet
    source: str
    evidence: dict[str, Any]


def state(*, stated: SynonymSet, by: str, pk: int | None = None) -> Synonym:
    """Store what an editor states, as a proposal: it counts once its effect was approved.

    Args:
        stated: the set.
        by: who states it.
        pk: of the set that it replaces; None for a new one.

    Raises:
        Conflict: where the same set stands already.
    """
    others = Synonym.objects.exclude(pk=pk) if pk else Synonym.objects.all()
    if others.filter(key=stated.key).exists():
        raise Conflict("The same set stands already.", field="words")
    row = Synonym.objects.get(pk=pk) if pk else Synonym(evidence={"by": by[:150]})
    if row.key != stated.key:
        row.words, row.finds, row.key = list(stated.words), list(stated.finds), stated.key
        row.review, row.reviewed_by, row.reviewed_at = Synonym.Review.PROPOSED, "", None
        row.save()
    return row


def propose(proposals: Iterable[Proposal]) -> int:
    """Store what sources think of; how many are new. What people decided on is left alone."""
    rows = [
        Synonym(
            words=list(each.stated.words),
            finds=list(each.stated.finds),
            key=each.stated.key,
            source=each.source,
            evidence=each.evidence,
        )
        for each in proposals
    ]
    keys = [row.key for row in rows]
    known = set(Synonym.objects.filter(key__in=keys).values_list("key", flat=True))
    Synonym.objects.bulk_create(rows, ignore_conflicts=True, batch_size=1000)
    return len(set(keys) - known)


def review_synonyms(*, ids: Sequence[int], review: str, by: str) -> int:
    """Record what a person decided; how many changed. The first reviewer's name stays.

    Raises:
        InvalidInput: for a state that does not exist.
    """
    if review not in Synonym.Review.values:
        raise InvalidInput(
            f"A review is one of {', '.join(Synonym.Review.values)}.", field="review"
        )
    now = timezone.now()
    return (
        Synonym.objects.filter(pk__in=list(ids))
        .exclude(review=review, reviewed_at__isnull=False)
        .update(review=review, reviewed_by=by[:150], reviewed_at=now, updated_at=now)
    )
