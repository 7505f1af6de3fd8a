"""Neighbours by behaviour and popularity, computed from the events before a moment."""

import itertools
import logging
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db import connection, transaction
from django.db.models import Count, Sum
from django.utils import timezone

from catalog.event_kinds import EventKind
from catalog.locks import wait_for
from catalog.models import Event, Item
from catalog.progress import NO_PROGRESS, Progress
from recs.ml.cooccurrence import CooccurrenceConfig, Neighbours, cooccurrence
from recs.ml.popularity import Popularity, PopularityConfig, popularity, shrunk_mean
from recs.models import ItemNeighbour, ItemPopularity, NeighbourVersion

log = logging.getLogger(__name__)

LOCK_SPACE = 7_140_313
KEPT_VERSIONS = 2  # the live one, and the one before it to go back to
READ_SIZE = 20_000
SECONDS_A_DAY = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NeighbourConfig:
    """Everything that changes what is computed."""

    cooccurrence: CooccurrenceConfig = field(default_factory=CooccurrenceConfig)
    popularity: PopularityConfig = field(default_factory=PopularityConfig)


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedLog:
    """Who wanted what, when: arrays of one length. Visitors without an account count below 0."""

    people: npt.NDArray[np.int64]
    items: npt.NDArray[np.int64]
    times: npt.NDArray[np.float64]  # days since 1970


def build_neighbours(
    *,
    as_of: datetime | None = None,
    config: NeighbourConfig | None = None,
    progress: Progress = NO_PROGRESS,
) -> NeighbourVersion:
    """Compute neighbours and popularity anew, and make them live in one step.

    Args:
        as_of: exclusive upper bound of the events that count; now where it is None.
        config: what to compute; its defaults are tuned on the demo (docs/experiments.md).
        progress: told of four steps.
    """
    config = config or NeighbourConfig()
    as_of = as_of or timezone.now()
    progress.set_total(4)
    # One transaction: a killed run leaves nothing, and readers see either version whole.
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        wait_for(LOCK_SPACE)
        wanted = read_wanted(as_of=as_of)
        progress.advance(message=f"read {len(wanted.items)} events")
        counts = popularity(**_columns(wanted), config=config.popularity)
        neighbours = cooccurrence(**_columns(wanted), config=config.cooccurrence)
        progress.advance(message=f"found {len(neighbours.items)} neighbours")
        version = NeighbourVersion.objects.create(
            as_of=as_of,
            config=asdict(config),
            events=len(wanted.items),
            pairs=len(neighbours.items),
        )
        existing = set(Item.objects.values_list("pk", flat=True))
        _write_neighbours(version, neighbours, existing)
        ratings = _ratings(as_of=as_of, config=config.popularity)
        _write_popularity(version, counts, ratings, existing)
        progress.advance(message="written")
        _make_live(version)
    with connection.cursor() as cursor:
        for table in (ItemNeighbour, ItemPopularity):
            cursor.execute(f"ANALYZE {table._meta.db_table}")
    progress.advance(message="live")
    return version


def read_wanted(*, as_of: datetime) -> WantedLog:
    """What people wanted before `as_of`, visitors without an account included."""
    rows = (
        Event.objects.positive()
        .before(as_of)
        .values_list("person_id", "anonymous_id", "item_id", "time")
    )
    visitors: dict[str, int] = {}
    people, items, times = [], [], []
    for person_id, anonymous_id, item_id, time in rows.iterator(chunk_size=READ_SIZE):
        if person_id is None and not anonymous_id:
            continue
        visitor = -1 - visitors.setdefault(anonymous_id, len(visitors)) if not person_id else 0
        people.append(person_id or visitor)
        items.append(item_id)
        times.append(time.timestamp() / SECONDS_A_DAY)
    return WantedLog(
        people=np.array(people, dtype=np.int64),
        items=np.array(items, dtype=np.int64),
        times=np.array(times, dtype=np.float64),
    )


def _columns(wanted: WantedLog) -> dict[str, Any]:
    return {"people": wanted.people, "items": wanted.items, "times": wanted.times}


def _ratings(*, as_of: datetime, config: PopularityConfig) -> dict[int, float]:
    """Each rated item's mean rating, drawn toward the mean of all."""
    rows = list(
        Event.objects.before(as_of)
        .filter(kind=EventKind.RATING, value__isnull=False)
        .values_list("item_id")
        .annotate(Sum("value"), Count("value"))
        .order_by("item_id")
    )
    means = shrunk_mean(
        sums=np.array([row[1] for row in rows], dtype=np.float64),
        counts=np.array([row[2] for row in rows], dtype=np.float64),
        config=config,
    )
    return dict(zip((row[0] for row in rows), means.tolist(), strict=True))


def _write_neighbours(version: NeighbourVersion, found: Neighbours, existing: set[int]) -> None:
    rows = zip(
        itertools.repeat(version.pk),
        found.items.tolist(),
        found.neighbours.tolist(),
        found.scores.tolist(),
        found.people.tolist(),
    )
    _copy(
        ItemNeighbour._meta.db_table,
        ("version_id", "item_id", "neighbour_id", "score", "people"),
        (row for row in rows if row[1] in existing and row[2] in existing),
    )


def _write_popularity(
    version: NeighbourVersion, counts: Popularity, ratings: dict[int, float], existing: set[int]
) -> None:
    """Rows of what was wanted, and of what was only rated badly."""
    wanted = dict(
        zip(
            counts.items.tolist(),
            zip(
                counts.wanted.tolist(),
                counts.people.tolist(),
                counts.trending.tolist(),
                strict=True,
            ),
            strict=True,
        )
    )
    rows = (
        (version.pk, item_id, *wanted.get(item_id, (0, 0, 0.0)), ratings.get(item_id))
        for item_id in sorted((wanted.keys() | ratings.keys()) & existing)
    )
    _copy(
        ItemPopularity._meta.db_table,
        ("version_id", "item_id", "wanted", "people", "trending", "rating"),
        rows,
    )


def _copy(table: str, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row(row)


def _make_live(version: NeighbourVersion) -> None:
    """Flip to this version and drop those that nobody goes back to."""
    NeighbourVersion.objects.live().update(is_live=False)
    NeighbourVersion.objects.filter(pk=version.pk).update(is_live=True)
    version.is_live = True
    kept = NeighbourVersion.objects.order_by("-pk").values_list("pk", flat=True)[:KEPT_VERSIONS]
    NeighbourVersion.objects.exclude(pk__in=list(kept)).delete()
