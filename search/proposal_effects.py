"""What it means that a proposal counts, and that it does not any more: a pair for each kind."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from django.utils import timezone

from search.item_words import index_item_words
from search.models import Proposal, Query
from search.proposal_models import Kind

Rows = Sequence[Proposal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """`apply`: they count from now on; `withdraw`: as if nobody had proposed them. By whom."""

    apply: Callable[[Rows, str], None]
    withdraw: Callable[[Rows, str], None]


def _show_queries(rows: Rows, by: str) -> None:
    _decide(rows, Query.Review.APPROVED, by)


def _hide_queries(rows: Rows, by: str) -> None:
    """Unless the same words still stand approved for another item."""
    still = set(
        Proposal.objects.filter(
            kind=Kind.QUERY,
            review=Proposal.Review.APPROVED,
            normalized__in=[row.normalized for row in rows],
        ).values_list("normalized", flat=True)
    )
    _decide([row for row in rows if row.normalized not in still], Query.Review.REJECTED, by)
    index_item_words({row.item_id for row in rows if row.item_id})


def _decide(rows: Rows, review: str, by: str) -> None:
    # What another source offers too is not for a model's proposal to decide; a ban stands.
    (
        Query.objects.filter(
            normalized__in=[row.normalized for row in rows], source=Query.Source.WRITTEN
        )
        .exclude(review=Query.Review.BANNED)
        .update(review=review, reviewed_by=by[:150], reviewed_at=timezone.now())
    )
    index_item_words({row.item_id for row in rows if row.item_id})


EFFECTS: Mapping[str, Effect] = {
    Kind.QUERY: Effect(apply=_show_queries, withdraw=_hide_queries),
}
