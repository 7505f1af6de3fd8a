"""Answerability: each stored query tried on the live search, anew at each release of the index.

Queries of the catalog itself (titles, names, expansions) are counted by construction, and most are
confirmed by one statement a source: a visible item that answers them holds all their words. What
that cannot confirm, what people typed, and the most popular of the rest, RUN_AT_MOST of them each
time, are run one by one as a visitor would run them: words, meaning and the editors' rules,
nobody's taste. Their first hits are kept: search.query_taste reads from them whom a query leads
on. A query that finds nothing, or not the item it was made from among the first TOP, is held back
until a later run finds it.

Each batch is written when it is done, so a run that is killed goes on where it was.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import Case, Q, QuerySet, When

from catalog.locks import only_one
from catalog.prepared import int_array
from catalog.progress import NO_PROGRESS, Progress
from recs.models import ContentVersion, ModelVersion
from search.finding import find, read
from search.models import Query
from search.places_to_start import forget_places
from search.query_sources.facts import VISIBLE
from search.rules import arrange, current_rules
from search.stages import Stages
from search.types import SearchRequest

# Any constant works, as long as every run takes the same lock, and nothing else does.
LOCK_SPACE = 7_140_319
# The source item is to be among this many first hits.
TOP = 10
BATCH_SIZE = 100
RUN_AT_MOST = 2_000
# Below the time limit of the task; the next run goes on.
MOST_SECONDS = 1_500.0
# These come from facts of items, so a statement can confirm them.
CONSTRUCTED = (Query.Source.TITLES, Query.Source.NAMES, Query.Source.EXPANSIONS)
FAILED = (Query.HeldBack.NOTHING, Query.HeldBack.SOURCE)
# Made from an item that it must find: whatever names one, but "films like X", which finds others.
_MADE_FROM = "(q.provenance ? 'item' AND q.provenance ->> 'rule' <> 'like')"
CONFIRM = f"""
    UPDATE search_query q SET checked_version = %(release)s, checked_at = now(), found = NULL,
        best_score = NULL
    WHERE q.source = %(source)s AND q.checked_version <> %(release)s AND q.held_back = ''
        AND q.answers > 0
        AND EXISTS (
            SELECT 1 FROM catalog_item i
            WHERE i.id = ANY(CASE WHEN {_MADE_FROM} THEN ARRAY[(q.provenance ->> 'item')::bigint]
                ELSE q.witnesses END)
                AND i.search_vector @@ plainto_tsquery('foray', q.normalized) AND {VISIBLE}
        )"""  # noqa: S608  constants only
WRITE = """
    UPDATE search_query q SET checked_version = %(release)s, checked_at = now(), found = t.found,
        best_score = t.best_score, held_back = t.held_back,
        first_hits = t.first_hits::bigint[]
    FROM unnest(%(ids)s::bigint[], %(found)s::int[], %(scores)s::float8[], %(held)s::text[],
        %(first)s::text[]) AS t(id, found, best_score, held_back, first_hits)
    WHERE q.id = t.id"""
REPORT = """
    SELECT source, count(*),
        count(*) FILTER (WHERE checked_version = %(release)s),
        count(*) FILTER (WHERE checked_version = %(release)s AND best_score IS NOT NULL),
        count(*) FILTER (WHERE held_back = 'nothing'),
        count(*) FILTER (WHERE held_back = 'source'),
        count(*) FILTER (WHERE held_back = 'folded')
    FROM search_query GROUP BY source ORDER BY source"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What the live search says of a query. held_back: why it is not to be shown, or "".

    first_hits: the items that a visitor would see first, TOP at most.
    """

    found: int
    best_score: float
    held_back: str
    first_hits: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceChecks:
    """How the queries of a source stand in a release. ran: those that were really searched."""

    source: str
    kept: int
    checked: int
    ran: int
    nothing: int
    lost: int
    folded: int

    @property
    def pass_rate(self) -> float | None:
        """Share of the checked ones that did not fail; None where none was checked."""
        failed = self.nothing + self.lost
        return 1 - min(1.0, failed / self.checked) if self.checked else None

    @property
    def percent(self) -> float | None:
        """The same in per cent."""
        return None if self.pass_rate is None else 100 * self.pass_rate


def release() -> str:
    """The name of what answers searches now: the content vectors and the unified model."""
    content = ContentVersion.objects.live().values_list("pk", flat=True).first()
    unified = (
        ModelVersion.objects.live()
        .filter(kind=ModelVersion.Kind.UNIFIED)
        .values_list("pk", flat=True)
        .first()
    )
    return f"content {content or 'none'}, unified {unified or 'none'}"


def check_queries(
    *, every: bool = False, source: str = "", progress: Progress = NO_PROGRESS
) -> dict[str, int]:
    """Try what was not tried in this release, and again what failed.

    Args:
        every: run each query one by one, also those that a statement has confirmed.
        source: only what this source offers; "" for all.
        progress: told after each batch.

    Returns:
        "confirmed" by a statement, "ran" one by one, "failed" of those, "left" for the next run;
        {} where another process is at it.
    """
    with only_one(LOCK_SPACE) as is_ours:
        if not is_ours:
            return {}
        now = release()
        confirmed = 0 if every or source else _confirm(now)
        waiting = _waiting(now, every=every, source=source)
        progress.set_total(len(waiting))
        ran, failed = _run(waiting, now, progress)
    forget_places()
    return {"confirmed": confirmed, "ran": ran, "failed": failed, "left": len(waiting) - ran}


def try_query(query: Query) -> Tried:
    """What a visitor would get who ran this query now."""
    request = SearchRequest(query=query.text)
    reading = read(request)
    if reading.query.is_empty:
        return Tried(found=0, best_score=0.0, held_back=Query.HeldBack.NOTHING)
    found = find(reading, request, Stages())
    meant = found.reading.query.normalized
    found.obey(current_rules().applied(reading.query.normalized, meant))
    top = arrange(found.scored, found.rules, sort=request.sort)[:TOP]
    total = found.items.rows().count() if found.more else len(found.scored)
    # Where the words had to be corrected, they find nothing themselves.
    if not top or found.corrected:
        return Tried(found=0, best_score=0.0, held_back=Query.HeldBack.NOTHING)
    source = _source_item(query)
    is_lost = source is not None and source not in {one.candidate.item_id for one in top}
    return Tried(
        found=total,
        best_score=round(max(one.score for one in top), 6),
        held_back=Query.HeldBack.SOURCE if is_lost else "",
        first_hits=tuple(one.candidate.item_id for one in top),
    )


def check_report() -> list[SourceChecks]:
    """How the queries of each source stand in the release that answers now."""
    with connection.cursor() as cursor:
        cursor.execute(REPORT, {"release": release()})
        return [
            SourceChecks(
                source=source,
                kept=kept,
                checked=checked,
                ran=ran,
                nothing=nothing,
                lost=lost,
                folded=folded,
            )
            for source, kept, checked, ran, nothing, lost, folded in cursor.fetchall()
        ]


def _confirm(now: str) -> int:
    confirmed = 0
    for source in CONSTRUCTED:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 0")
            cursor.execute(CONFIRM, {"release": now, "source": source})
            confirmed += cursor.rowcount
    return confirmed


def _waiting(now: str, *, every: bool, source: str) -> list[int]:
    """Ids of what is to be run one by one, what people typed first, then the most popular."""
    mine = _in_use().exclude(held_back=Query.HeldBack.FOLDED)
    mine = mine.filter(source=source) if source else mine
    failed = Q(held_back__in=FAILED)
    if every:
        rows = mine.filter(~Q(checked_version=now) | Q(best_score=None) | failed)
        return list(rows.order_by("-popularity", "pk").values_list("pk", flat=True))
    needed = mine.filter(~Q(checked_version=now) | failed)
    first = list(needed.order_by("-people", "-popularity", "pk").values_list("pk", flat=True))
    confirmed = mine.filter(checked_version=now, best_score=None, held_back="")
    # Titles last: a title finds its item, and it is the first hits of the others that are read.
    is_title = Case(When(source=Query.Source.TITLES, then=1), default=0)
    popular = confirmed.order_by(is_title, "-popularity", "pk").values_list("pk", flat=True)
    return first + list(popular[:RUN_AT_MOST])


def _in_use() -> QuerySet[Query]:
    """What could be shown: the others are looked at when somebody approves them."""
    return Query.objects.filter(
        review__in=(Query.Review.APPROVED, Query.Review.PROPOSED), answers__gt=0
    )


def _run(waiting: Sequence[int], now: str, progress: Progress) -> tuple[int, int]:
    started, ran, failed = time.monotonic(), 0, 0
    for start in range(0, len(waiting), BATCH_SIZE):
        if time.monotonic() - started > MOST_SECONDS:
            break
        rows = Query.objects.in_bulk(list(waiting[start : start + BATCH_SIZE]))
        tried = {pk: try_query(query) for pk, query in rows.items()}
        _write(tried, now)
        ran += len(waiting[start : start + BATCH_SIZE])
        failed += sum(1 for each in tried.values() if each.held_back)
        progress.advance(len(tried), message=f"{failed:,} failed")
    return ran, failed


def _write(tried: dict[int, Tried], now: str) -> None:
    values: dict[str, Any] = {
        "release": now,
        "ids": list(tried),
        "found": [each.found for each in tried.values()],
        "scores": [each.best_score for each in tried.values()],
        "held": [str(each.held_back) for each in tried.values()],
        "first": [int_array(each.first_hits) for each in tried.values()],
    }
    with connection.cursor() as cursor:
        cursor.execute(WRITE, values)


def _source_item(query: Query) -> int | None:
    """The item that the query was made from, where it is to find that."""
    item = query.provenance.get("item")
    is_about_it = query.provenance.get("rule") == "like"
    return item if isinstance(item, int) and not is_about_it else None
