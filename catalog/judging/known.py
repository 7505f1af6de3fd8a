"""Known answers: adjudicated pairs that are mixed in, to see how well each judge judges."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet

from catalog.errors import InvalidInput
from catalog.guidelines import guideline_of
from catalog.judging.stale import add_pairs, new_pair
from catalog.labels import is_stale
from catalog.models import JudgingPair, Label


def known_pairs() -> QuerySet[JudgingPair]:
    """Pairs whose answer is known, and known of the item and the guideline as they are now."""
    versions = [guideline_of(kind).version for kind in Label.Kind.values]
    return JudgingPair.objects.filter(
        known__isnull=False, state=JudgingPair.State.FINAL, guideline__in=versions,
        content_hash=F("item__content_hash"), known__content_hash=F("content_hash"),
    )  # fmt: skip


def set_known(*, labels: Iterable[Label], known: bool) -> int:
    """Take adjudicated labels as known answers, or no longer; of how many pairs that changed.

    Raises:
        InvalidInput: a label is no adjudicator's, or is stale.
    """
    changed = 0
    with transaction.atomic():
        for label in labels:
            if label.source != Label.Source.FINAL or not label.content_hash or is_stale(label):
                raise InvalidInput("Only what an adjudicator said of the item as it is is known.")
            changed += _set(label, known=known)
    return changed


def _set(label: Label, *, known: bool) -> int:
    key: dict[str, Any] = {
        "kind": label.kind, "query": label.query, "person": label.person_id, "item": label.item_id
    }  # fmt: skip
    of_pair = JudgingPair.objects.filter(**key)
    if known and not of_pair.exists():
        pair = new_pair(
            kind=label.kind, query=label.query, person_id=label.person_id, item_id=label.item_id,
            content_hash=label.content_hash, reason=JudgingPair.Reason.CALIBRATION,
            state=JudgingPair.State.FINAL,
        )  # fmt: skip
        add_pairs(pairs=[pair])
    if known:
        return of_pair.filter(known__isnull=True).update(known=label, state=JudgingPair.State.FINAL)
    return of_pair.filter(known__isnull=False).update(known=None)
