"""Acceptance sampling: people look at a random part of a batch, which proves a bound of the rest.

The size is fixed before the first look, or the bound would not hold: a sample cannot be made larger
or given up for another one while its batch waits.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.db import transaction
from django.utils import timezone

from catalog.errors import Conflict, InvalidInput
from search.acceptance import CONFIDENCE, needed, proven_good
from search.models import Proposal, ReviewSample, SampleVerdict
from search.proposal_models import Reason
from search.proposals import Batch, decide

MOST_BAD = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """What a finished sample says of its batch. `bound`: share that is good at least."""

    bound: float
    is_enough: bool
    left: int


def plans(wanted: float, population: int) -> list[tuple[int, int]]:
    """(bad ones that it may have, size) of each sample that proves the share; a table to read."""
    found = ((bad, needed(wanted, bad, population=population)) for bad in range(MOST_BAD + 1))
    return [(bad, size) for bad, size in found if size is not None]


def batch_of(sample: ReviewSample) -> Batch:
    """The batch that it was drawn from."""
    return Batch(
        kind=sample.kind, model=sample.model, revision=sample.revision,
        prompt_version=sample.prompt_version,
    )  # fmt: skip


def open_sample(batch: Batch) -> ReviewSample | None:
    """The one of the batch that is not settled."""
    rows = ReviewSample.objects.filter(**batch.columns(), settled="", source="")
    return rows.order_by("-pk").first()


def draw(*, batch: Batch, wanted: float, size: int, by: str, seed: int | None = None) -> (
    ReviewSample
):  # fmt: skip
    """Draw so many of what waits, without replacement.

    Raises:
        Conflict: the batch has a sample that is not settled.
        InvalidInput: the share is none, or nothing of the size waits.
    """
    if not 0.5 <= wanted < 1:
        raise InvalidInput("The share to be proven is from 50 to 99 %.", field="wanted")
    with transaction.atomic():
        waiting = list(
            batch.waiting().select_for_update().order_by("pk").values_list("pk", flat=True)
        )
        if open_sample(batch) is not None:
            raise Conflict("This batch has a sample that is not settled: go on with that one.")
        if not 1 <= size <= len(waiting):
            raise InvalidInput(f"{len(waiting):,} wait: draw from 1 to so many.", field="size")
        chosen = np.random.default_rng(seed).choice(len(waiting), size=size, replace=False)
        return ReviewSample.objects.create(
            **batch.columns(), population=len(waiting), drawn=[waiting[n] for n in chosen],
            size=size, wanted=wanted, created_by=by[:150],
        )  # fmt: skip


def next_row(sample: ReviewSample) -> Proposal | None:
    """The first drawn proposal without a verdict; None where all have one."""
    seen = set(sample.verdicts.values_list("proposal_id", flat=True))
    for key in sample.drawn:
        if key not in seen and (row := Proposal.objects.filter(pk=key).first()):
            return row
    return None


def judge(
    *, sample: ReviewSample, proposal_id: int, is_good: bool, by: str, reason: str = "",
    note: str = "",
) -> ReviewSample:  # fmt: skip
    """Record a verdict; the last one of the sample ends it.

    Raises:
        Conflict: the sample is over.
        InvalidInput: the proposal was not drawn, or is rejected without a reason.
    """
    if proposal_id not in sample.drawn:
        raise InvalidInput("This proposal is not in the sample.", field="proposal")
    if not is_good and reason not in Reason.values:
        raise InvalidInput("A refusal has a reason.", field="reason")
    with transaction.atomic():
        held = ReviewSample.objects.select_for_update().get(pk=sample.pk)
        if held.finished_at is not None:
            raise Conflict("This sample is over.")
        SampleVerdict.objects.update_or_create(
            sample=held, proposal_id=proposal_id,
            defaults={"is_good": is_good, "reason": "" if is_good else reason,
                      "note": note[:300], "by": by[:150]},
        )  # fmt: skip
        held.reviewed = held.verdicts.count()
        held.good = held.verdicts.filter(is_good=True).count()
        # What was deleted since it was drawn cannot be looked at: it counts as not good.
        there = Proposal.objects.filter(pk__in=held.drawn).count()
        if held.reviewed >= there:
            held.reviewed, held.finished_at = held.size, timezone.now()
        held.save()
        if held.finished_at:
            _let_count(held)
    return held


def undo(*, sample: ReviewSample) -> Proposal | None:
    """Take the newest verdict back; the proposal that it was about."""
    if sample.finished_at is not None:
        raise Conflict("This sample is over.")
    newest = sample.verdicts.order_by("-at", "-pk").select_related("proposal").first()
    if newest is None:
        return None
    with transaction.atomic():
        newest.delete()
        sample.reviewed = sample.verdicts.count()
        sample.good = sample.verdicts.filter(is_good=True).count()
        sample.save(update_fields=["reviewed", "good"])
    return newest.proposal


def proven(sample: ReviewSample) -> Proven | None:
    """What a finished sample proves; None of one that is not."""
    if sample.finished_at is None:
        return None
    good = proven_good(sample.good, sample.reviewed, sample.population)
    bound = good / max(1, sample.population)
    return Proven(bound=bound, is_enough=bound >= sample.wanted, left=len(_rest(sample)))


def settle(*, sample: ReviewSample, approve: bool, by: str) -> int:
    """Approve the rest of the batch as it was when the sample was drawn, or reject it; how many.

    Raises:
        Conflict: the sample is not over, was settled, or does not prove what was wanted of it.
    """
    told = proven(sample)
    if told is None or sample.settled:
        raise Conflict("Look at all of the sample first." if told is None else "It was settled.")
    if approve and not told.is_enough:
        raise Conflict(
            f"The sample proves {told.bound:.1%}, and {sample.wanted:.1%} was wanted of it."
        )
    basis = {
        "by": "sample", "sample": sample.pk, "good": sample.good, "reviewed": sample.reviewed,
        "population": sample.population, "bound": round(told.bound, 4), "confidence": CONFIDENCE,
    }  # fmt: skip
    with transaction.atomic():
        changed = decide(
            ids=_rest(sample), by=by, basis=basis,
            review=Proposal.Review.APPROVED if approve else Proposal.Review.REJECTED,
        )  # fmt: skip
        sample.settled = "approved" if approve else "rejected"
        sample.save(update_fields=["settled"])
    return changed


def _rest(sample: ReviewSample) -> Sequence[int]:
    """What waited when the sample was drawn, waits still, and is not in it."""
    rows = batch_of(sample).waiting().filter(created_at__lte=sample.created_at)
    return list(rows.exclude(pk__in=sample.drawn).values_list("pk", flat=True))


def _let_count(sample: ReviewSample) -> None:
    """What people said of each of the sample."""
    for said in sample.verdicts.all():
        decide(
            ids=[said.proposal_id], by=said.by, basis={"by": "person", "sample": sample.pk},
            review=Proposal.Review.APPROVED if said.is_good else Proposal.Review.REJECTED,
            reason=said.reason, note=said.note,
        )  # fmt: skip
