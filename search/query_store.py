"""The store of queries that can be recommended: built from the sources, reviewed by people.

A build is one transaction: generate, keep the best source of each normal form, write what changed,
delete what is no longer offered. It can be repeated and killed at any point. What people decided
stays: a build never changes a review.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from catalog.errors import InvalidInput
from catalog.locks import wait_for
from catalog.models import Profile
from catalog.profiles import current_profile
from catalog.progress import NO_PROGRESS, Progress
from search.bans import current_bans
from search.cold_share import IS_NEW, count_shown
from search.item_words import index_item_words
from search.languages import language_of
from search.models import Proposal, Query
from search.places_to_start import forget_places
from search.proposal_models import Kind
from search.query_sources import facts
from search.query_sources.base import CandidateQuery, meaning
from search.query_sources.onward import build_links
from search.query_sources.registry import SOURCES, switched_on

# Any constant works, as long as every build takes the same lock.
LOCK_SPACE = 7_140_330
BELONG_TO_NO_LANGUAGE = frozenset((Query.Source.TITLES, Query.Source.NAMES))
ANCHOR_KINDS = tuple(facts.FACTS)
STAGED = (
    "text", "normalized", "source", "provenance", "anchors", "meaning", "witnesses", "answers",
    "people", "popularity", "language",
)  # fmt: skip
STAGING = f"""
    CREATE TEMP TABLE staged_query ON COMMIT DROP AS
    SELECT {", ".join(STAGED)} FROM search_query WITH NO DATA"""  # noqa: S608  constants only
# Rows that did not change are not written again: a second build writes almost nothing.
UPSERT = """
    INSERT INTO search_query AS q (text, normalized, source, provenance, anchors, meaning,
        witnesses, answers, people, popularity, language, review, reviewed_by, checked_at,
        created_at)
    SELECT text, normalized, source, provenance, anchors, meaning, witnesses, answers, people,
        popularity, language,
        CASE WHEN source = ANY(%s) THEN 'proposed' ELSE 'approved' END, '', now(), now()
    FROM staged_query
    ON CONFLICT (normalized) DO UPDATE SET text = excluded.text, source = excluded.source,
        provenance = excluded.provenance, anchors = excluded.anchors, meaning = excluded.meaning,
        witnesses = excluded.witnesses, answers = excluded.answers, people = excluded.people,
        popularity = excluded.popularity, checked_at = excluded.checked_at,
        language = excluded.language,
        checked_version = CASE WHEN (q.text, q.answers, q.witnesses)
            IS DISTINCT FROM (excluded.text, excluded.answers, excluded.witnesses)
            THEN '' ELSE q.checked_version END
    WHERE (q.text, q.source, q.provenance, q.anchors, q.witnesses, q.answers, q.people, q.language)
        IS DISTINCT FROM (excluded.text, excluded.source, excluded.provenance, excluded.anchors,
            excluded.witnesses, excluded.answers, excluded.people, excluded.language)
        OR abs(q.popularity - excluded.popularity) > 0.001"""
DELETE = """
    DELETE FROM search_query q
    WHERE q.reviewed_at IS NULL AND q.review IN ('approved', 'proposed')
        AND q.source = ANY(%s)
        AND NOT EXISTS (SELECT 1 FROM staged_query s WHERE s.normalized = q.normalized)"""
# Whose better one is gone speaks for itself again, until the next look for duplicates.
UNFOLD = """
    UPDATE search_query q SET folded_into_id = NULL, held_back = ''
    WHERE q.folded_into_id IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM search_query better WHERE better.id = q.folded_into_id)"""
# What was accepted before its query was stored: by a sample, by a policy of another build.
ACCEPTED = """
    UPDATE search_query q SET review = 'approved', reviewed_by = p.reviewed_by,
        reviewed_at = p.reviewed_at
    FROM search_proposal p
    WHERE p.kind = 'query' AND p.review = 'approved' AND p.normalized = q.normalized
        AND q.source = 'llm' AND q.review = 'proposed' AND q.reviewed_at IS NULL"""
# What people kept and no source offers any more: it is shown only while the words find something.
RECOUNT = f"""
    UPDATE search_query q SET answers = found.answers, witnesses = found.witnesses,
        checked_at = now()
    FROM search_query r CROSS JOIN LATERAL (
        SELECT count(*) AS answers, coalesce((array_agg(i.id ORDER BY i.id))[1:5], '{{}}')
            AS witnesses
        FROM catalog_item i
        WHERE i.search_vector @@ plainto_tsquery('foray', r.normalized) AND {facts.VISIBLE}
    ) AS found
    WHERE q.id = r.id AND r.reviewed_at IS NOT NULL AND r.review IN ('approved', 'proposed')
        AND NOT EXISTS (SELECT 1 FROM staged_query s WHERE s.normalized = r.normalized)"""  # noqa: S608


@dataclass(slots=True)
class _Kept:
    """The best candidate of a normal form, and what other sources said of the same words."""

    best: CandidateQuery
    answers: int
    people: int
    popularity: float
    also: dict[str, object] = field(default_factory=dict)


def build_queries(*, progress: Progress = NO_PROGRESS) -> dict[str, int]:
    """Generate, deduplicate and store the queries of every source that is switched on.

    Returns:
        How many queries each source keeps, and "written" and "deleted".
    """
    profile = current_profile()
    sources = switched_on()
    progress.set_total(len(sources) + 3)
    with transaction.atomic():
        _prepare()
        bans = current_bans()
        kept: dict[str, _Kept] = {}
        for source in sources:
            offered = source.candidates(profile)
            # Search itself looks titles up here; those that are banned are only never shown.
            is_kept = source.name == Query.Source.TITLES
            _merge(kept, (c for c in offered if is_kept or not bans.holds(c.normalized)))
            progress.advance(message=f"{source.name}: {len(kept)} queries so far")
        counts = {source.name: 0 for source in sources}
        for each in kept.values():
            counts[each.best.source] += 1
        _stage(kept)
        progress.advance(message="writing")
        counts["written"] = _execute(UPSERT, [awaiting_approval()])
        counts["deleted"] = _execute(DELETE, [[source.name for source in SOURCES]])
        _execute(UNFOLD)
        _execute(ACCEPTED)
        _execute(RECOUNT)
        _execute("DROP TABLE staged_query")
        progress.advance(message="counting what items share")
        _build_anchors(profile)
        count_shown()
        build_links()
    # Completion reads indexes alone, which takes a table whose visibility is known.
    vacuum = "" if connection.in_atomic_block else "VACUUM "
    _execute(f"{vacuum}ANALYZE search_query, search_anchor")
    transaction.on_commit(forget_places)
    progress.advance(message=f"{len(kept)} queries")
    return counts


def set_review(*, query_ids: Sequence[int], review: str, by: str) -> int:
    """Record what a person decided about these queries; how many changed.

    A query that has that state already is left alone, so the first reviewer's name stays.
    """
    if review not in Query.Review.values:
        raise InvalidInput(f"A review is one of {', '.join(Query.Review.values)}.", field="review")
    rows = Query.objects.filter(pk__in=list(query_ids)).exclude(
        review=review, reviewed_at__isnull=False
    )
    with transaction.atomic():
        written = list(
            rows.filter(source=Query.Source.WRITTEN).values_list("normalized", flat=True)
        )
        changed = rows.update(review=review, reviewed_by=by[:150], reviewed_at=timezone.now())
        if written:
            _tell_proposals(written, review=review, by=by)
    transaction.on_commit(forget_places)
    return changed


def _tell_proposals(written: Sequence[str], *, review: str, by: str) -> None:
    """What was decided about a query is decided about what a model wrote for its items."""
    mine = Proposal.objects.filter(kind=Kind.QUERY, normalized__in=written)
    became = review if review in Proposal.Review.values else Proposal.Review.REJECTED
    mine.update(
        review=became, reviewed_by=by[:150], reviewed_at=timezone.now(), basis={"by": "person"}
    )
    index_item_words(set(mine.exclude(item=None).values_list("item_id", flat=True)))


def awaiting_approval() -> list[str]:
    """The sources whose new queries wait until somebody approves them."""
    awaited: dict[str, list[str]] = {
        "none": [],
        "log": [str(Query.Source.LOG)],
        "all": [str(value) for value in Query.Source.values],
    }
    # Nothing that a language model wrote is shown before somebody has seen it.
    return sorted({*awaited[settings.SEARCH_QUERY_APPROVAL], str(Query.Source.WRITTEN)})


def source_report() -> dict[str, Any]:
    """Counts of the store by source, and how often two sources offered the same words.

    Returns:
        {"sources": [{"source", "kept", "offered", "shown"}], "overlaps": [{"a", "b", "queries"}]};
        "offered" counts what another source kept as well, "shown" what may be recommended now.
    """
    sources: dict[str, dict[str, Any]] = {
        source.name: {"source": source.name, "kept": 0, "offered": 0, "shown": 0}
        for source in SOURCES
    }
    overlaps = []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT source, count(*), count(*) FILTER (WHERE review = 'approved' AND answers > 0"
            " AND held_back = '')"
            " FROM search_query GROUP BY source"
        )
        for source, kept, shown in cursor.fetchall():
            row = sources.setdefault(source, {"source": source, "offered": 0})
            row.update(kept=kept, shown=shown, offered=kept)
        cursor.execute(
            "SELECT source, other, count(*) FROM search_query,"
            " LATERAL jsonb_object_keys(provenance -> 'also') AS other"
            " WHERE provenance ? 'also' AND other <> source GROUP BY 1, 2 ORDER BY 1, 2"
        )
        for source, other, count in cursor.fetchall():
            overlaps.append({"a": source, "b": other, "queries": count})
            sources[other]["offered"] += count
    return {"sources": list(sources.values()), "overlaps": overlaps}


def _prepare() -> None:
    """One build at a time, with room to sort and no limit of a request's length."""
    wait_for(LOCK_SPACE)
    _execute("SET LOCAL statement_timeout = 0")
    _execute("SET LOCAL work_mem = '96MB'")
    _execute(STAGING)


def _merge(kept: dict[str, _Kept], candidates: Iterable[CandidateQuery]) -> None:
    for candidate in candidates:
        known = kept.get(candidate.normalized)
        if known is None:
            kept[candidate.normalized] = _Kept(
                best=candidate,
                answers=candidate.answers_estimate,
                people=candidate.people,
                popularity=candidate.popularity,
            )
            continue
        same = candidate.source == known.best.source
        if same and candidate.answers_estimate > known.best.answers_estimate:
            # Robert Duvall directed three films and is in sixty: the wider sense speaks.
            known.best, candidate = candidate, known.best
        known.also.setdefault(candidate.source, dict(candidate.provenance))
        # The larger count, never the sum: the same item may answer both.
        for each in (candidate, known.best):
            known.answers = max(known.answers, each.answers_estimate)
            known.people = max(known.people, each.people)
            known.popularity = max(known.popularity, each.popularity)


def _stage(kept: dict[str, _Kept]) -> None:
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY staged_query ({', '.join(STAGED)}) FROM STDIN") as copy,
    ):
        for row in _staged_rows(kept):
            copy.write_row(row)


def _staged_rows(kept: dict[str, _Kept]) -> Iterator[tuple[object, ...]]:
    for normalized, each in kept.items():
        best = each.best
        provenance = dict(best.provenance) | ({"also": each.also} if each.also else {})
        anchors = list(best.anchors)
        yield (
            best.text,
            normalized,
            best.source,
            json.dumps(provenance),
            anchors,
            # An item's title is found by its words, not by what hits share.
            0 if anchors and anchors[0].startswith("item:") else meaning(anchors),
            list(best.witnesses),
            each.answers,
            each.people,
            round(each.popularity, 4),
            _language(each),
        )


def _language(kept: _Kept) -> str:
    """What the query is written in; names and titles of the catalog are for everybody."""
    offering = {kept.best.source, *kept.also}
    return "" if offering & BELONG_TO_NO_LANGUAGE else language_of(kept.best.text)


def _build_anchors(profile: Profile) -> None:
    """Count every value that two items or more have, and all items under the empty name."""
    _execute("DELETE FROM search_anchor")
    ctes = "".join(f", {kind} AS ({facts.FACTS[kind]})" for kind in ANCHOR_KINDS)
    counts = " UNION ALL ".join(
        f"SELECT left('{kind}:' || value, 320), count(*), {IS_NEW[kind == 'category']}"  # noqa: S608
        f" FROM {kind}"
        " GROUP BY 1 HAVING count(*) > 1"
        for kind in ANCHOR_KINDS
    )
    with connection.cursor() as cursor:
        cursor.execute(
            # Names of kinds and constants; values are bound.
            f"{facts.ITEMS}{ctes} INSERT INTO search_anchor (value, items, is_new)"  # noqa: S608
            f" {counts} UNION ALL SELECT '', count(*), false FROM items",
            {"name_attributes": list(profile.name_attributes)},
        )


def _execute(sql: str, params: Sequence[Any] = ()) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, list(params) or None)
        return int(cursor.rowcount)
