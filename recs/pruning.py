"""Which old versions are deleted: folder, vectors, codes and index go, the row stays."""

import shutil
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from recs import registry
from recs.models import CodeName, ItemCode, ItemVector, ModelVersion, TrainingRun

State = ModelVersion.State

DELETED_AT_ONCE = 10_000
# The partial indexes of one version, whatever they are called.
INDEXES = """
SELECT indexrelid::regclass::text FROM pg_index
WHERE indrelid = %s::regclass
  AND pg_get_expr(indpred, indrelid) = %s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneRule:
    """What is kept besides the live version, the one before it, and the codes that they read."""

    # Retired versions further back, which one more roll back would reach.
    retired: int = 1
    # The newest candidates that nobody promoted, and the newest refused ones, to look into.
    candidates: int = 2
    refused: int = 2


def prune(*, kind: str, rule: PruneRule | None = None) -> list[ModelVersion]:
    """Delete what the rule does not keep; the versions that went now.

    Safe at any time and to repeat: a version is first marked, after which nobody can promote it,
    then emptied, and one whose emptying was interrupted is emptied by the next call.
    """
    kept = _kept(kind, rule or PruneRule())
    pruned = []
    for version in ModelVersion.objects.of_kind(kind).kept().exclude(pk__in=kept):
        # The state once more: it may have been promoted since.
        is_ours = (
            ModelVersion.objects.kept()
            .filter(pk=version.pk, state=version.state)
            .exclude(state=State.LIVE)
            .update(pruned_at=timezone.now())
        )
        if is_ours:
            pruned.append(version)
    for version in ModelVersion.objects.of_kind(kind).filter(pruned_at__isnull=False):
        _empty(version)
    return pruned


def _kept(kind: str, rule: PruneRule) -> set[int]:
    """Keys of the versions that stay."""
    versions = ModelVersion.objects.of_kind(kind).kept()
    kept = set(versions.filter(state=State.LIVE).values_list("pk", flat=True))
    before = registry.previous(kind)
    if before is not None:
        kept.add(before.pk)
    in_work = TrainingRun.objects.open().filter(version__isnull=False)
    kept |= set(versions.filter(pk__in=in_work.values("version")).values_list("pk", flat=True))
    readers = ModelVersion.objects.kept().filter(semantic_version__isnull=False)
    kept |= set(readers.values_list("semantic_version", flat=True))
    for state, number, order in (
        (State.RETIRED, rule.retired, "-promoted_at"),
        (State.CANDIDATE, rule.candidates, "-created_at"),
        (State.REFUSED, rule.refused, "-created_at"),
    ):
        rest = versions.filter(state=state).exclude(pk__in=kept).order_by(order)
        kept |= set(rest.values_list("pk", flat=True)[:number])
    return kept


def _empty(version: ModelVersion) -> None:
    for table in (ItemVector, ItemCode, CodeName):
        _drop_indexes(version, table._meta.db_table)
        rows = table._default_manager.filter(version_id=version.pk)
        # In pieces: one statement over a large catalog would meet the statement timeout.
        while keys := list(rows.values_list("pk", flat=True)[:DELETED_AT_ONCE]):
            with transaction.atomic():
                table._default_manager.filter(Q(pk__in=keys)).delete()
    place = registry.folder(version)
    if place.exists():
        shutil.rmtree(place)


def _drop_indexes(version: ModelVersion, table: str) -> None:
    concurrently = "" if connection.in_atomic_block else "CONCURRENTLY"
    with connection.cursor() as cursor:
        cursor.execute(INDEXES, [table, f"(version_id = {version.pk:d})"])
        for (name,) in cursor.fetchall():
            cursor.execute(f"DROP INDEX {concurrently} IF EXISTS {name}")
