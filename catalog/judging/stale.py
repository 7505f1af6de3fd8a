"""What went stale: a pair whose item or guideline changed is asked anew, in another round."""

from collections.abc import Sequence

from django.conf import settings
from django.db import connection, transaction

from catalog.guidelines import guideline_of
from catalog.labels import stale
from catalog.models import JudgingPair, Label

# What speaks for asking soon: labels that somebody gave have become worthless.
STALE_PRIORITY = 2
CHUNK = 1_000

# One statement, for a row or for all. A pair that nobody has judged keeps why it is there. Rows are
# locked in one order, so that two runs never wait for each other in a ring.
_RENEW = """
    WITH old AS (
        SELECT pair.id, item.content_hash, given.guideline, pair.state = 'open' AND NOT EXISTS (
            SELECT FROM catalog_judgement AS turn
            WHERE turn.pair_id = pair.id AND turn.round = pair.round AND turn.outcome <> 'open'
        ) AS is_untouched
        FROM catalog_judgingpair AS pair
        JOIN catalog_item AS item ON item.id = pair.item_id
        JOIN (VALUES ('relevance', %(relevance)s), ('fit', %(fit)s)) AS given(kind, guideline)
            ON given.kind = pair.kind
        WHERE (pair.content_hash, pair.guideline) <> (item.content_hash, given.guideline)
          AND (%(ids)s::bigint[] IS NULL OR pair.id = ANY(%(ids)s))
        ORDER BY pair.id FOR NO KEY UPDATE OF pair
    )
    UPDATE catalog_judgingpair AS pair
    SET round = pair.round + 1, state = 'open', updated_at = now(),
        content_hash = old.content_hash, guideline = old.guideline,
        reason = CASE WHEN is_untouched THEN pair.reason ELSE 'stale' END,
        priority = CASE WHEN is_untouched THEN pair.priority
                        ELSE greatest(pair.priority, %(priority)s) END
    FROM old WHERE pair.id = old.id
"""


def renew_pairs(*, ids: Sequence[int] | None = None) -> int:
    """Begin another round of the pairs whose item or guideline changed; how many.

    Args:
        ids: look at these only; None is all.
    """
    given = {
        "ids": None if ids is None else list(ids), "priority": STALE_PRIORITY,
        **{kind: guideline_of(kind).version for kind in Label.Kind.values},
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_RENEW, given)
        return int(cursor.rowcount)


def requeue_stale() -> int:
    """Put what went stale back into the queue: pairs, and people's labels that have none.

    Cheap: a statement for the pairs, and what is inserted. Safe to repeat and to run twice at once.
    """
    renewed = renew_pairs()
    labels = Label.objects.filter(
        stale(), source__in=(Label.Source.HUMAN, Label.Source.FINAL)
    ).order_by("pk")
    seen: dict[tuple[str, str, int | None, int], JudgingPair] = {}
    rows = labels.values_list("kind", "query", "person_id", "item_id", "item__content_hash")
    for kind, query, person_id, item_id, content in rows.iterator(chunk_size=CHUNK):
        seen[(kind, query, person_id, item_id)] = new_pair(
            kind=kind, query=query, person_id=person_id, item_id=item_id, content_hash=content,
            reason=JudgingPair.Reason.STALE, priority=STALE_PRIORITY,
        )  # fmt: skip
    return renewed + add_pairs(pairs=list(seen.values()))


def new_pair(**fields: object) -> JudgingPair:
    """An unsaved pair of the guideline in force, for as many judges as the setting says."""
    version = guideline_of(str(fields["kind"])).version
    return JudgingPair(guideline=version, wanted=settings.CATALOG_JUDGES_PER_PAIR, **fields)


def add_pairs(*, pairs: Sequence[JudgingPair]) -> int:
    """Store the pairs that are not in the queue yet; how many were new."""
    with transaction.atomic():
        before = JudgingPair.objects.count()
        # Sorted, so that two writers of the same pairs never wait for each other in a ring.
        JudgingPair.objects.bulk_create(
            sorted(
                pairs, key=lambda pair: (pair.kind, pair.query, pair.person_id or 0, pair.item_id)
            ),
            ignore_conflicts=True,
            batch_size=CHUNK,
        )
        return JudgingPair.objects.count() - before
