"""Cursors: the pages of one answer in the order of its first page, whatever is learned meanwhile.

The order of the best is kept for a while under the answer's id; a cursor names the answer and a
place. A page by cursor is retrieved as any other and put into the kept order: what is gone is left
out, what came later waits for the next search, and the count stays that of the first page. Of a set
with more than MOST_KEPT the rest follows in its own order, the best known first or as it is sorted.
"""

import hashlib
import json
import re
import uuid
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache

from catalog.errors import InvalidInput
from search.types import MOST_KEPT, Retrieved, SearchRequest

SECONDS = 30 * 60
_CURSOR = re.compile(r"([0-9a-f]{32})-(\d{1,5})")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The order of an answer. `total`: as its first page counted."""

    key: str
    ids: tuple[int, ...]
    total: int


def keep(query_id: uuid.UUID, request: SearchRequest, found: Retrieved) -> Snapshot:
    """Keep the order of a first page, for the pages that follow."""
    snapshot = Snapshot(query_id.hex, found.ordered_ids[:MOST_KEPT], found.total)
    value = {"ids": list(snapshot.ids), "total": snapshot.total, "asked": _fingerprint(request)}
    cache.set(_key(snapshot.key), json.dumps(value), SECONDS)
    return snapshot


def read_cursor(cursor: str, request: SearchRequest) -> tuple[Snapshot, int]:
    """The kept order that a cursor names, and the place that it continues from.

    Raises:
        InvalidInput: where it is none, is over, or belongs to another search.
    """
    matched = _CURSOR.fullmatch(cursor)
    if matched is None:
        raise InvalidInput(
            "'cursor' is what the answer before gave as 'next_cursor'.", field="cursor"
        )
    kept: Any = cache.get(_key(matched[1]))
    if kept is None:
        raise InvalidInput("This cursor is over: search again without it.", field="cursor")
    value = json.loads(kept)
    if value["asked"] != _fingerprint(request):
        raise InvalidInput(
            "This cursor belongs to another search: send the parameters that it came with.",
            field="cursor",
        )
    return Snapshot(matched[1], tuple(value["ids"]), value["total"]), int(matched[2])


def cursor_at(snapshot: Snapshot, place: int) -> str:
    """The cursor of a place, counted from 0."""
    return f"{snapshot.key}-{place}"


def _key(name: str) -> str:
    return f"search:cursor:{name}"


def _fingerprint(request: SearchRequest) -> str:
    """What decides which items a search finds, and who asks; not the size of a page."""
    asked = (
        request.query, request.filters.as_params(), request.sort, request.verbatim,
        request.as_words, request.viewer.person_id, request.viewer.anonymous_id,
    )  # fmt: skip
    return hashlib.blake2b(json.dumps(asked).encode(), digest_size=16).hexdigest()
