"""Approved facts count beside what the feed says: told to the items, and taken back.

The proposals are the record; what stands at an item is made of them whenever one is decided on, and
for all items each night. A fact counts as long as the words that it rests on stand in the item.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Sequence

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from catalog.additions import Addition, set_additions
from catalog.locks import wait_for
from catalog.models import Item
from search.item_words import index_item_words
from search.models import Proposal
from search.proposal_models import CHANGED

# Any constant works, as long as every writer takes the same lock.
LOCK_SPACE = 7_140_362
BY_CHANGE = "its item has changed"
_FIELD = "CASE p.value ->> 'field' WHEN 'title' THEN i.title ELSE i.description END"
# Where the evidence stands now: at its place, or at the first place that has it.
_PLACE = f"""
    CASE WHEN substr({_FIELD}, (p.value ->> 'start')::int + 1, length(p.evidence)) = p.evidence
        THEN (p.value ->> 'start')::int ELSE strpos({_FIELD}, p.evidence) - 1 END"""
_APPROVED = f"""
    SELECT p.item_id, p.value ->> 'facet', (p.value -> 'value')::text, p.value ->> 'field',
           {_PLACE}, p.evidence, coalesce(p.basis ->> 'by', ''), p.model
    FROM search_proposal p JOIN catalog_item i ON i.id = p.item_id
    WHERE p.kind = 'attribute' AND p.review = 'approved'
        AND strpos({_FIELD}, p.evidence) > 0
        AND (%(items)s::bigint[] IS NULL OR p.item_id = ANY(%(items)s::bigint[]))
    ORDER BY p.item_id, p.id"""  # noqa: S608  constants only
_GONE = f"""
    SELECT p.id FROM search_proposal p JOIN catalog_item i ON i.id = p.item_id
    WHERE p.kind = 'attribute' AND (p.review = 'proposed' AND p.content_hash <> i.content_hash
        OR p.review = 'approved' AND strpos({_FIELD}, p.evidence) = 0)"""  # noqa: S608


def index_facts(items: Collection[int] | None = None) -> int:
    """Tell these items, or all, what was approved of them; how many changed."""
    with transaction.atomic(), connection.cursor() as cursor:
        # Two that approve facts of one item would each not see the other's.
        wait_for(LOCK_SPACE)
        cursor.execute(_APPROVED, {"items": None if items is None else sorted(items)})
        found: dict[int, list[Addition]] = defaultdict(list)
        for item_id, facet, value, field, start, evidence, by, model in cursor.fetchall():
            found[item_id].append(
                Addition(
                    facet=facet, value=json.loads(value), field=field, start=start,
                    end=start + len(evidence), evidence=evidence, by=by, model=model,
                )
            )  # fmt: skip
        if items is None:
            known = Item.objects.exclude(added=[]).order_by().values_list("pk", flat=True)
            items = {*found, *known}
        changed = set_additions(additions={item_id: found[item_id] for item_id in items})
        index_item_words(items)
    return changed


def refresh_facts() -> tuple[int, int]:
    """(facts whose words are gone, items that changed): each night, and after an import."""
    with connection.cursor() as cursor:
        cursor.execute(_GONE)
        gone = [row[0] for row in cursor.fetchall()]
    mark_changed(gone)
    return len(gone), index_facts()


def stale_facts(rows: Sequence[Proposal]) -> list[int]:
    """Those of these proposals whose item is no more the one that they were written of."""
    ids = [row.pk for row in rows]
    changed = Proposal.objects.filter(pk__in=ids).exclude(content_hash=F("item__content_hash"))
    return list(changed.values_list("pk", flat=True))


def mark_changed(ids: Collection[int]) -> None:
    """They are rejected, by nobody; the same may be proposed anew."""
    Proposal.objects.filter(pk__in=ids).update(
        review=Proposal.Review.REJECTED, reviewed_by=BY_CHANGE, reviewed_at=timezone.now(),
        basis={"by": CHANGED}, reason="", note="",
    )  # fmt: skip


def apply_facts(rows: Sequence[Proposal], by: str) -> None:
    """They count, or count no more: either way their items are told anew what was approved."""
    index_facts({row.item_id for row in rows if row.item_id})
