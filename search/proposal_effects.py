"""What it means that a proposal counts, and that it does not any more: a pair for each kind."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from django.utils import timezone

from catalog.category_names import name_category, take_name_back
from catalog.errors import ProjectError
from catalog.items import set_summaries
from catalog.models import CategoryName
from recs.codes import describe_kinds
from recs.models import CodeName
from search.added_facts import apply_facts, stale_facts
from search.item_words import index_item_words
from search.models import Proposal, Query, Synonym
from search.proposal_models import Kind
from search.spelling_store import state_pairs
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


def _sum_up(rows: Rows, by: str) -> None:
    """Each item shows the newest summary that stands approved for it, or none.

    An item whose text is another one by now shows none, without anybody looking: see Item.summary.
    """
    about = {row.item_id for row in rows if row.item_id}
    approved = Proposal.objects.filter(
        kind=Kind.SUMMARY, review=Proposal.Review.APPROVED, item__in=about
    ).order_by("reviewed_at", "pk")
    told = dict.fromkeys(sorted(about), ("", ""))
    told |= {row.item_id: (row.text, row.content_hash) for row in approved if row.item_id}
    set_summaries(summaries=told)


def _put_right(rows: Rows, by: str) -> None:
    """Each mistyped word stands for what was last approved of it, or for nothing any more."""
    typed = {row.subject for row in rows}
    approved = Proposal.objects.filter(
        kind=Kind.SPELLING, review=Proposal.Review.APPROVED, subject__in=typed
    ).order_by("reviewed_at", "pk")
    told: dict[str, str | None] = dict.fromkeys(typed)
    told |= {row.subject: row.text for row in approved}
    state_pairs(pairs=told)


def _name_categories(rows: Rows, by: str) -> None:
    """A person's name stays; one that another category has by now waits again, and says so."""
    by_hand = set(
        CategoryName.objects.filter(
            path__in=[row.subject for row in rows], source=CategoryName.Source.PERSON
        ).values_list("path", flat=True)
    )
    for row in rows:
        if row.subject in by_hand:
            continue
        try:
            name_category(
                path=row.subject, name=row.text, line=str(row.value.get("line", "")),
                source=CategoryName.Source.LLM,
            )  # fmt: skip
        except ProjectError as error:
            Proposal.objects.filter(pk=row.pk).update(
                review=Proposal.Review.PROPOSED, note=error.detail[:300]
            )


def _unname_categories(rows: Rows, by: str) -> None:
    """Called by their paths again, unless somebody has named them since."""
    for row in rows:
        take_name_back(path=row.subject, name=row.text, source=CategoryName.Source.LLM)


def _describe_kinds(rows: Rows, by: str) -> None:
    """Each kind shows the newest description that stands approved; what a person wrote stays."""
    about = {(row.value.get("version"), row.value.get("path", "")) for row in rows}
    for version, path in sorted(about, key=str):
        own = Proposal.objects.filter(
            kind=Kind.DESCRIPTION, value__version=version, value__path=path
        ).order_by("reviewed_at", "pk")
        approved = own.filter(review=Proposal.Review.APPROVED).values_list("text", flat=True)
        told = CodeName.objects.filter(version_id=version, path=path)
        written = ["", *own.values_list("text", flat=True)]
        if told.filter(description__in=written).exists():
            newest = approved.last() or ""
            describe_kinds(version_id=version, descriptions={path: newest})


EFFECTS: Mapping[str, Effect] = {
    Kind.QUERY: Effect(apply=_show_queries, withdraw=_hide_queries),
    Kind.NAME: Effect(apply=_name_kinds, withdraw=_unname_kinds),
    Kind.SYNONYM: Effect(apply=_state_synonyms, withdraw=_withdraw_synonyms),
    Kind.ATTRIBUTE: Effect(apply=apply_facts, withdraw=apply_facts, stale=stale_facts),
    Kind.CATEGORY: Effect(apply=_name_categories, withdraw=_unname_categories),
    Kind.DESCRIPTION: Effect(apply=_describe_kinds, withdraw=_describe_kinds),
    Kind.SPELLING: Effect(apply=_put_right, withdraw=_put_right),
    Kind.SUMMARY: Effect(apply=_sum_up, withdraw=_sum_up),
}
