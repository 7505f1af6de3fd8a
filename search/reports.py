"""Reads for whoever looks after the search: what found nothing, what waits, how it goes."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from django.core.cache import cache
from django.db import connection
from django.db.models import CharField, Count, Max, Q, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast, Coalesce, NullIf
from django.utils import timezone

from catalog.models import Answer, Event, Item, Job, JudgingPair, Label
from recs.models import ContentVersion, NeighbourVersion
from search.models import Query, Synonym
from search.typed import FINISHED_UNSUBMITTED

DAYS = 7
LOST_AFTER = timedelta(minutes=5)
CACHE_SECONDS = 30

# One pass over the items: how many lack a vector of their present text, and how many of the new.
BACKLOG = """
SELECT count(*), count(*) FILTER (WHERE v.id IS NULL),
       count(*) FILTER (WHERE v.id IS NULL AND i.created_at >= %(since)s)
FROM catalog_item i
LEFT JOIN recs_contentembedding v
  ON v.item_id = i.id AND v.version_id = %(version)s AND v.input_hash = i.content_hash
WHERE NOT i.is_hidden
"""
DISPUTED = """
SELECT count(*) FROM (
    SELECT 1 FROM catalog_label GROUP BY kind, query, person_id, item_id
    HAVING max(grade) > min(grade) AND NOT bool_or(source = 'final')
) pairs
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedQuery:
    """A query that people typed to the end, counted over some days."""

    normalized: str
    text: str
    times: int
    people: int
    last_seen: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A part of a whole, with the 95 % interval of what it may be in the long run (Wilson)."""

    part: int
    whole: int

    @property
    def value(self) -> float:
        """Part divided by whole, 0 where nothing was counted."""
        return self.part / self.whole if self.whole else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Lower and upper end."""
        if not self.whole:
            return 0.0, 1.0
        z, n, p = 1.96, self.whole, self.value
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
        return max(0.0, middle - half), min(1.0, middle + half)

    @property
    def words(self) -> str:
        """As people write it; "" where nothing was counted."""
        return f"{100 * self.value:.1f} %" if self.whole else ""

    @property
    def interval_words(self) -> str:
        """Both ends; "" where nothing was counted."""
        low, high = self.interval
        return f"{100 * low:.1f} % to {100 * high:.1f} %" if self.whole else ""


def searches(*, days: int = DAYS) -> Any:
    """Finished searches of the last days: submitted, or typed to what is judged to be an end."""
    since = _since(days)
    unsubmitted = RawSQL(FINISHED_UNSUBMITTED, [since])  # noqa: S611  constants, one parameter
    return Answer.objects.filter(
        Q(is_typing=False) | Q(query_id__in=unsubmitted),
        kind=Answer.Kind.SEARCH,
        page=1,
        time__gte=since,
    ).exclude(normalized_query="")


def asked_queries(
    *, days: int = DAYS, limit: int = 50, found: Literal["any", "nothing"] = "any"
) -> list[AskedQuery]:
    """The queries asked most often in the last days, or of those only what found nothing."""
    rows = searches(days=days)
    if found == "nothing":
        rows = rows.filter(total=0)
    who = Coalesce(
        Cast("person_id", CharField()), NullIf("anonymous_id", Value("")), output_field=CharField()
    )
    grouped = (
        rows.values("normalized_query")
        .annotate(
            times=Count("query_id"),
            people=Count(who, distinct=True),
            last_seen=Max("time"),
            text=Max("query"),
        )
        .order_by("-people", "-times", "normalized_query")[:limit]
    )
    return [
        AskedQuery(
            normalized=row["normalized_query"],
            text=row["text"],
            times=row["times"],
            people=row["people"],
            last_seen=row["last_seen"],
        )
        for row in grouped
    ]


def count_unanswered(*, days: int = DAYS) -> int:
    """How many different queries found nothing in the last days."""
    rows = searches(days=days).filter(total=0)
    return int(rows.aggregate(n=Count("normalized_query", distinct=True))["n"])


def picked_share(*, days: int = DAYS) -> Share:
    """The share of submitted searches that began with a click on a query recommendation.

    Without those that are only judged finished, so that it does not jump when a version goes live.
    """
    row = (
        searches(days=days)
        .filter(is_typing=False)
        .aggregate(whole=Count("query_id"), part=Count("query_id", filter=~Q(picked_from="")))
    )
    return Share(part=row["part"], whole=row["whole"])


def work_waiting() -> dict[str, int]:
    """What waits for a decision or has gone wrong, as numbers."""
    lost = timezone.now() - LOST_AFTER
    jobs = Job.objects.aggregate(
        failed=Count("pk", filter=Q(state=Job.State.FAILED, finished_at__gte=_since(DAYS))),
        lost=Count("pk", filter=Q(state=Job.State.RUNNING, heartbeat_at__lt=lost)),
        queued=Count("pk", filter=Q(state=Job.State.QUEUED)),
    )
    with connection.cursor() as cursor:
        cursor.execute(DISPUTED)
        disputed = cursor.fetchone()[0]
    return {
        **jobs,
        "proposals": Query.objects.filter(review=Query.Review.PROPOSED).count(),
        "synonyms": Synonym.objects.filter(review=Synonym.Review.PROPOSED).count(),
        "disputed": disputed,
        **_judging(),
        "unanswered": count_unanswered(),
    }


def _judging() -> dict[str, int]:
    """Pairs that wait for judges, and for an adjudicator."""
    state = JudgingPair.State
    return JudgingPair.objects.aggregate(
        to_judge=Count("pk", filter=Q(state=state.OPEN)),
        to_adjudicate=Count("pk", filter=Q(state__in=(state.DISPUTED, state.UNSURE))),
    )


def encoding_state() -> dict[str, Any]:
    """The live content version, its recall, and the items that it has not read yet."""
    version = ContentVersion.objects.live().first()
    with connection.cursor() as cursor:
        cursor.execute(BACKLOG, {"version": version.pk if version else None, "since": _since(1)})
        items, waiting, new = cursor.fetchone()
    return {
        "encoder": str(version) if version else "",
        "recall": version.index_recall if version else None,
        "built": _iso(version.index_built_at if version else None),
        "items": items,
        "waiting": waiting,
        "new": new,
    }


def neighbours_state() -> dict[str, Any]:
    """The live neighbours: of what moment, from how many events."""
    version = NeighbourVersion.objects.live().first()
    # By time there is no index to ask; among the last received the latest one is found at once.
    received = Event.objects.aggregate(latest=Max("id"))["latest"] or 0
    latest = Event.objects.filter(id__gt=received - 10_000).aggregate(at=Max("time"))["at"]
    return {
        "as_of": _iso(version.as_of if version else None),
        "events": version.events if version else 0,
        "pairs": version.pairs if version else 0,
        "latest_event": _iso(latest),
    }


def label_counts() -> dict[str, int]:
    """Labels in all, and those of the last days."""
    return Label.objects.aggregate(
        all=Count("pk"), recent=Count("pk", filter=Q(created_at__gte=_since(DAYS)))
    )


def item_counts() -> dict[str, int]:
    """Items in all, and hidden ones."""
    return Item.objects.aggregate(all=Count("pk"), hidden=Count("pk", filter=Q(is_hidden=True)))


def cached(name: str, read: Callable[[], Any]) -> Any:
    """What `read` gives, asked for at most every CACHE_SECONDS; it must fit into JSON."""
    key = f"reports:{name}"
    found = cache.get(key)
    if found is None:
        found = read()
        cache.set(key, found, CACHE_SECONDS)
    return found


def _since(days: int) -> datetime:
    return timezone.now() - timedelta(days=days)


def _iso(time: datetime | None) -> str:
    return time.strftime("%Y-%m-%d %H:%M") if time else ""
