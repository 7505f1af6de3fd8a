"""Proposals of language models: their batches, what was decided about them, how often people agree.

A batch is what one model wrote from one version of a prompt, of one kind. Agreement is measured of
a batch: another model, other weights or another wording start anew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Count, Q, QuerySet, Sum
from django.utils import timezone

from catalog.models import Item
from search.acceptance import share_interval
from search.added_facts import mark_changed
from search.models import Proposal, ReviewSample
from search.places_to_start import forget_places
from search.proposal_effects import EFFECTS
from search.proposal_models import Kind
from search.text import normalize_query
from search.written_queries import Origin

Review = Proposal.Review
# So many of the newest refusals go back into the prompt.
MOST_REFUSALS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What was written alike."""

    kind: str
    model: str
    revision: str
    prompt_version: str

    def columns(self) -> dict[str, str]:
        """Of a row that belongs to it."""
        return {
            "kind": self.kind, "model": self.model, "revision": self.revision,
            "prompt_version": self.prompt_version,
        }  # fmt: skip

    def rows(self) -> QuerySet[Proposal]:
        """All that belongs to it."""
        return Proposal.objects.filter(**self.columns())

    def waiting(self) -> QuerySet[Proposal]:
        """What nobody decided on."""
        return self.rows().filter(review=Review.PROPOSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What people approved of those that were drawn at random, with the interval of the share."""

    good: int
    reviewed: int
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchState:
    """A batch as it stands."""

    batch: Batch
    proposed: int
    approved: int
    rejected: int
    agreement: Agreement


def agreement(batch: Batch) -> Agreement:
    """Over the samples of the batch that were looked at to their end."""
    told = ReviewSample.objects.filter(**batch.columns(), finished_at__isnull=False).aggregate(
        good=Sum("good"), reviewed=Sum("reviewed")
    )
    good, reviewed = int(told["good"] or 0), int(told["reviewed"] or 0)
    low, high = share_interval(good, reviewed)
    return Agreement(good=good, reviewed=reviewed, low=low, high=high)


def batches() -> list[BatchState]:
    """All, those with most waiting first."""
    rows = (
        Proposal.objects.values("kind", "model", "revision", "prompt_version")
        .annotate(
            proposed=Count("pk", filter=Q(review=Review.PROPOSED)),
            approved=Count("pk", filter=Q(review=Review.APPROVED)),
            rejected=Count("pk", filter=Q(review=Review.REJECTED)),
        )
        .order_by("-proposed", "kind", "model", "prompt_version")
    )
    found = []
    for row in rows:
        batch = Batch(
            **{name: row[name] for name in ("kind", "model", "revision", "prompt_version")}
        )
        counts = {name: row[name] for name in ("proposed", "approved", "rejected")}
        found.append(BatchState(batch=batch, agreement=agreement(batch), **counts))
    return found


def decide(
    *, ids: Sequence[int], review: str, by: str, basis: Mapping[str, Any], reason: str = "",
    note: str = "",
) -> int:  # fmt: skip
    """Record what became of proposals, and let it count; how many changed.

    What speaks of a text that has changed since is not approved: it is rejected, by nobody.

    Args:
        ids: of proposals of any kinds.
        review: Proposal.Review: approved or rejected.
        by: who, or what.
        basis: what it rests on, kept with each: {"by": "person"}, or a policy with its figures.
        reason: Reason, of what was rejected.
        note: in words.
    """
    now = timezone.now()
    with transaction.atomic():
        rows = list(
            Proposal.objects.select_for_update().filter(pk__in=list(ids)).exclude(review=review)
            .order_by("pk")
        )  # fmt: skip
        if review == Review.APPROVED:
            rows = _of_the_text_as_it_is(rows)
        Proposal.objects.filter(pk__in=[row.pk for row in rows]).update(
            review=review, reviewed_by=by[:150], reviewed_at=now, basis=dict(basis),
            reason=reason, note=note[:300],
        )  # fmt: skip
        for kind, effect in EFFECTS.items():
            mine = [row for row in rows if row.kind == kind]
            if mine and review == Review.APPROVED:
                effect.apply(mine, by)
            elif mine and review == Review.REJECTED:
                effect.withdraw(mine, by)
        transaction.on_commit(forget_places)
    return len(rows)


def _of_the_text_as_it_is(rows: list[Proposal]) -> list[Proposal]:
    """Those that are not stale; the others are marked as that."""
    stale: set[int] = set()
    for kind, effect in EFFECTS.items():
        stale.update(effect.stale([row for row in rows if row.kind == kind]))
    if stale:
        mark_changed(stale)
    return [row for row in rows if row.pk not in stale]


def offer(
    *,
    kind: str,
    subject: str | Item,
    text: str,
    evidence: str,
    origin: Origin,
    value: Mapping[str, Any] | None = None,
) -> str:
    """Store a proposal of a kind other than queries; "proposed", or "known" where it stands.

    Args:
        kind: of it.
        subject: what it is about: a name, or an item. Of an item its text as it was read counts:
            the same words about another text are another proposal.
        text: what is proposed.
        evidence: words of what it is about.
        origin: who wrote it.
        value: what the text alone does not say.
    """
    item = subject if isinstance(subject, Item) else None
    with transaction.atomic():
        if item is not None and not _still_there(item):
            return "deleted meanwhile"
        _, is_new = Proposal.objects.get_or_create(
            kind=kind,
            item=item,
            subject=subject.content_hash if isinstance(subject, Item) else subject[:200],
            normalized=normalize_query(text),
            defaults={
                "text": text[:300],
                "evidence": evidence[:200],
                "value": dict(value or {}),
                "money": origin.money,
                "content_hash": item.content_hash if item else "",
                **origin.columns(),
            },
        )
    return "proposed" if is_new else "known"


def _still_there(item: Item) -> bool:
    """Held until the transaction ends, so that nobody deletes it in between."""
    held = Item.objects.select_for_update(no_key=True).filter(pk=item.pk)
    return held.values_list("pk", flat=True).first() is not None


def refusals(kind: str = Kind.QUERY, *, most: int = MOST_REFUSALS) -> list[tuple[str, str]]:
    """The newest proposals that people rejected, each with its reason in words."""
    rows = (
        Proposal.objects.filter(kind=kind, review=Review.REJECTED, basis__by="person")
        .exclude(reason="")
        .order_by("-reviewed_at", "-pk")[:most]
    )
    return [(row.text, row.note or row.get_reason_display()) for row in rows]
