"""What is stored of the ban list: stated by editors, with what each line would hide."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection, transaction

from catalog.errors import Conflict
from search.bans import read_ban
from search.models import BannedPattern
from search.places_to_start import forget_places
from search.query_candidates import SHOWN
from search.query_sources.registry import names_on
from search.rule_patterns import ANY

SHOWN_IN_PREVIEW = 20
# Normal forms hold no wildcards of LIKE, so a pattern is one once its asterisks are translated.
HIDES = f"""
    SELECT count(*) OVER (), count(*) FILTER (WHERE {SHOWN}) OVER (), text, source, people, answers
    FROM search_query WHERE review <> 'banned' AND normalized LIKE %(wide)s
        AND (CASE WHEN %(is_phrase)s THEN ' ' || normalized || ' ' ELSE normalized END)
            LIKE %(exact)s
    ORDER BY people DESC, popularity DESC, id LIMIT {SHOWN_IN_PREVIEW}"""  # noqa: S608


@dataclass(frozen=True, slots=True, kw_only=True)
class HiddenQuery:
    """A stored query that a ban hides."""

    text: str
    source: str
    people: int
    answers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hidden:
    """What a ban hides of the stored queries. shown: how many of them are shown without it."""

    line: str
    stored: int = 0
    shown: int = 0
    queries: tuple[HiddenQuery, ...] = ()


def hidden_by(line: str) -> Hidden:
    """What a phrase or a pattern hides, the first few by how many people typed them.

    Raises:
        InvalidInput: where it is neither.
    """
    ban = read_ban(line)
    is_phrase = ANY not in ban
    with connection.cursor() as cursor:
        cursor.execute(
            HIDES,
            {
                "sources": names_on(),
                "is_phrase": is_phrase,
                "wide": f"%{ban}%" if is_phrase else ban.replace(ANY, "%"),
                "exact": f"% {ban} %" if is_phrase else ban.replace(ANY, "%"),
            },
        )
        rows = cursor.fetchall()
    if not rows:
        return Hidden(line=ban)
    queries = (
        HiddenQuery(text=text, source=source, people=people, answers=answers)
        for _, _, text, source, people, answers in rows
    )
    return Hidden(line=ban, stored=rows[0][0], shown=rows[0][1], queries=tuple(queries))


def save_ban(*, line: str, note: str = "", by: str, pk: int | None = None) -> BannedPattern:
    """Ban a phrase or a pattern, from the next request on.

    Args:
        line: as typed.
        note: why, for other editors.
        by: who bans it.
        pk: of the one that it replaces; None for a new one.

    Raises:
        InvalidInput: where it is neither.
        Conflict: where it is banned already.
    """
    ban = read_ban(line)
    others = BannedPattern.objects.exclude(pk=pk) if pk else BannedPattern.objects.all()
    if others.filter(pattern=ban).exists():
        raise Conflict(f"“{ban}” is banned already.", field="patterns")
    row = BannedPattern.objects.get(pk=pk) if pk else BannedPattern(created_by=by[:150])
    row.pattern, row.note = ban, note[:300]
    row.save()
    transaction.on_commit(forget_places)
    return row


def ban_phrases(*, texts: Sequence[str], by: str) -> int:
    """Ban the words of these queries wherever they stand together; how many are new."""
    known = BannedPattern.objects.values_list("pattern", flat=True)
    new = {read_ban(text.replace(ANY, " ")) for text in texts} - set(known)
    rows = [BannedPattern(pattern=ban, created_by=by[:150]) for ban in sorted(new)]
    BannedPattern.objects.bulk_create(rows, ignore_conflicts=True)
    transaction.on_commit(forget_places)
    return len(rows)
