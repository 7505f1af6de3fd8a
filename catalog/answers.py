"""The log of answers: what was asked, what was shown, under which `query_id`."""

import json
import logging
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.db import DataError, IntegrityError, connection, transaction
from django.utils import timezone

from catalog.models import Answer
from catalog.types import Viewer

logger = logging.getLogger(__name__)

PRUNE_CHUNK = 10_000
MAX_SMALL_TOTAL = 2_147_483_647

# One statement that is its own transaction: nobody waits for the disk to keep a log entry, and a
# crash loses at most the last fraction of a second of it. A person erased since is left out.
INSERT = """
WITH setting AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))
INSERT INTO catalog_answer (
    query_id, time, kind, surface, person_id, anonymous_id, session_id, query, normalized_query,
    corrected_query, picked_from, is_typing, filters, about_item, page, total, hits,
    query_recommendations, stages, latency_ms, model_version, fallback, dropped
)
SELECT %s, %s, %s, %s, (SELECT id FROM catalog_person WHERE id = %s), %s, %s, %s, %s,
    %s, %s, %s, %s::jsonb, %s, %s, %s, %s::jsonb, %s::jsonb, %s::jsonb, %s, %s, %s,
    %s::jsonb
FROM setting
ON CONFLICT (query_id) DO NOTHING
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerInput:
    """One answer as it was given; columns of `Answer`, the viewer in one value."""

    query_id: UUID
    kind: str  # Answer.Kind
    surface: str
    total: int
    viewer: Viewer = field(default_factory=Viewer)
    time: datetime | None = None  # None is now
    query: str = ""
    normalized_query: str = ""
    corrected_query: str | None = None
    picked_from: str = ""
    is_typing: bool = False
    filters: Mapping[str, Any] = field(default_factory=dict)
    about_item: int | None = None
    page: int = 1
    hits: Sequence[Mapping[str, Any]] = ()
    query_recommendations: Sequence[Mapping[str, Any]] = ()
    stages: Mapping[str, float] = field(default_factory=dict)
    latency_ms: float = 0.0
    model_version: str = ""
    fallback: str = ""
    dropped: Sequence[Mapping[str, Any]] = ()


def log_answer(*, answer: AnswerInput) -> None:
    """Keep an answer. Values the table cannot hold lose the log entry, not the request."""
    try:
        savepoint = transaction.atomic() if connection.in_atomic_block else nullcontext()
        with savepoint, connection.cursor() as cursor:
            cursor.execute(INSERT, _row(answer))
    except (DataError, IntegrityError) as error:
        logger.warning("answer %s was not logged: %s", answer.query_id, error)


def log_answers(*, answers: Sequence[AnswerInput]) -> None:
    """Keep the answers of one page in one go, as log_answer() keeps one."""
    if not answers:
        return
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.executemany(INSERT, [_row(answer) for answer in answers])
    except (DataError, IntegrityError) as error:
        logger.warning("%d answers were not logged: %s", len(answers), error)


def prune_answers(*, before: datetime) -> int:
    """Delete the answers given before then, some at a time; how many went."""
    deleted = 0
    while True:
        old = Answer.objects.filter(time__lt=before).order_by().values("pk")[:PRUNE_CHUNK]
        count, _ = Answer.objects.filter(pk__in=old).delete()
        deleted += count
        if count < PRUNE_CHUNK:
            return deleted


def _row(answer: AnswerInput) -> list[Any]:
    viewer = answer.viewer
    return [
        answer.query_id,
        answer.time or timezone.now(),
        str(answer.kind),
        _text(answer.surface, 40),
        viewer.person_id,
        _text(viewer.anonymous_id, 100),
        _text(viewer.session_id, 100),
        _text(answer.query, 500),
        _text(answer.normalized_query, 500),
        _text(answer.corrected_query, 500),
        _text(answer.picked_from, 40),
        answer.is_typing,
        _json(dict(answer.filters)),
        answer.about_item,
        answer.page,
        min(answer.total, MAX_SMALL_TOTAL),
        _json([dict(hit) for hit in answer.hits]),
        _json([dict(query) for query in answer.query_recommendations]),
        _json(dict(answer.stages)),
        answer.latency_ms,
        _text(answer.model_version, 100),
        _text(answer.fallback, 40),
        _json([dict(each) for each in answer.dropped]),
    ]


def _text(value: str | None, characters: int) -> str:
    return (value or "").replace("\x00", "")[:characters]


def _json(value: object) -> str:
    return json.dumps(value, cls=DjangoJSONEncoder, separators=(",", ":")).replace("\\u0000", "")
