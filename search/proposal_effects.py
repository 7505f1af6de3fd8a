"""What it means that a proposal counts, and that it does not any more: a pair for each kind."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from django.utils import timezone

from recs.models import CodeName
from search.added_facts import apply_facts, stale_facts
from search.item_words import index_item_words
from search.models import Proposal, Query, Synonym
from search.proposal_models import Kind
from search.synonym_store import review_synonyms

Rows = Sequence[Proposal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """`apply`: they count from now on; `withdraw`: as if nobody had proposed them. By whom."""

    apply: Callable[[Rows, str], None]
    withdraw: Callable[[Rows, str], None]
    # Which of them speak of what has changed since, so that they can no more be approved.
    stale: Callable[[Rows], Sequence[int]] = lambda rows: ()


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


def _name_kinds(rows: Rows, by: str) -> None:
    """A person's name stays; a version that is gone has nothing to name."""
    for row in rows:
        named = CodeName.objects.filter(version_id=row.value.get("version"), path=row.subject)
        named.exclude(source=CodeName.Source.PERSON).update(
            name=row.text[:200], source=CodeName.Source.LLM
        )


def _unname_kinds(rows: Rows, by: str) -> None:
    """Back to what the kind was called, unless somebody has named it since."""
    for row in rows:
        CodeName.objects.filter(
            version_id=row.value.get("version"), path=row.subject, name=row.text,
            source=CodeName.Source.LLM,
        ).update(name=row.value.get("was", row.text), source=CodeName.Source.DERIVED)  # fmt: skip


def _state_synonyms(rows: Rows, by: str) -> None:
    _review_synonyms(rows, Synonym.Review.APPROVED, by)


def _withdraw_synonyms(rows: Rows, by: str) -> None:
    _review_synonyms(rows, Synonym.Review.REJECTED, by)


def _review_synonyms(rows: Rows, review: str, by: str) -> None:
    keys = [row.subject for row in rows]
    ids = Synonym.objects.filter(key__in=keys, source=Synonym.Source.MODEL)
    review_synonyms(ids=list(ids.values_list("pk", flat=True)), review=review, by=by)


EFFECTS: Mapping[str, Effect] = {
    Kind.QUERY: Effect(apply=_show_queries, withdraw=_hide_queries),
    Kind.NAME: Effect(apply=_name_kinds, withdraw=_unname_kinds),
    Kind.SYNONYM: Effect(apply=_state_synonyms, withdraw=_withdraw_synonyms),
    Kind.ATTRIBUTE: Effect(apply=apply_facts, withdraw=apply_facts, stale=stale_facts),
}
