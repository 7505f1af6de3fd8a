"""Importing a reader's own files: items and events in CSV, JSON Lines or Parquet."""

from pathlib import Path
from typing import Any

from django.utils import timezone

from catalog.enqueue import enqueue, enqueue_refresh
from catalog.errors import InvalidInput
from catalog.importers.bulk import EVENT_BATCH, ITEM_BATCH, copy_events, copy_items
from catalog.importers.columns import ColumnMapping, Columns
from catalog.importers.files import SourceFile, open_source
from catalog.importers.rows import Row, columns_of, count_rows, read_rows
from catalog.importers.run import Import, ImportReport, Outcome, Problem, run_import
from catalog.importers.settle import settle_events, settle_items
from catalog.models import Item
from catalog.partitions import ensure_partitions
from catalog.profiles import adapt_profile
from catalog.progress import NO_PROGRESS, Progress
from catalog.types import EventInput, ItemInput
from catalog.validation import read_event, read_item


def import_catalog(  # noqa: PLR0913  each is an option of the command
    *,
    path: str | Path,
    mapping: ColumnMapping | None = None,
    format: str | None = None,
    delimiter: str | None = None,
    progress: Progress = NO_PROGRESS,
    restart: bool = False,
    job_id: str | None = None,
) -> ImportReport:
    """Create or update items from a file; good rows are kept, bad ones are listed.

    Args:
        path: CSV, JSON Lines (both may be gzipped) or Parquet.
        mapping: which column is which field, where their names do not say so.
        format: "csv", "jsonl" or "parquet", where the file's name does not say so.
        delimiter: between the fields of a CSV file; found by looking at the header if None.
        progress: told of each batch.
        restart: begin at the first row, even where an earlier import of the file was interrupted.
        job_id: the queued job that this run is for.

    Raises:
        InvalidInput: the file or the mapping cannot be used.
        Conflict: the file is being imported by another process.
    """
    source = open_source(path, format=format)
    mapping = mapping or ColumnMapping()
    names = columns_of(source, delimiter=delimiter)
    columns = Columns(names, mapping=mapping, is_event=False)
    columns.require("id", "title")
    keep_hidden = "hidden" not in columns.fields and "hidden" not in mapping.constants
    is_first = not Item.objects.exists()
    report = run_import(
        Import(
            kind="catalog.import",
            source=_identity(source, mapping, delimiter),
            rows=lambda: read_rows(source, delimiter=delimiter),
            read=lambda values: read_item(columns.read(values)),
            write=lambda batch: _write_items(batch, keep_hidden=keep_hidden),
            settle=settle_items,
            total=count_rows(source),
            batch_size=ITEM_BATCH,
            notes=lambda: _notes(columns, "attributes"),
        ),
        progress=progress,
        restart=restart,
        job_id=job_id,
    )
    if is_first:
        adapt_profile()
    if report.tally.created or report.tally.updated:
        enqueue_refresh()
    return report


def import_events(  # noqa: PLR0913  each is an option of the command
    *,
    path: str | Path,
    mapping: ColumnMapping | None = None,
    format: str | None = None,
    delimiter: str | None = None,
    seconds: bool = False,
    progress: Progress = NO_PROGRESS,
    restart: bool = False,
    job_id: str | None = None,
) -> ImportReport:
    """Store events from a file, each once, however often the file is imported.

    Args:
        path: CSV, JSON Lines (both may be gzipped) or Parquet.
        mapping: which column is which field; `constants={"kind": "purchase"}` where no column says.
        format: "csv", "jsonl" or "parquet", where the file's name does not say so.
        delimiter: between the fields of a CSV file; found by looking at the header if None.
        seconds: times that are numbers count seconds since 1970, not milliseconds.
        progress: told of each batch.
        restart: begin at the first row, even where an earlier import of the file was interrupted.
        job_id: the queued job that this run is for.

    Raises:
        InvalidInput: the file or the mapping cannot be used.
        Conflict: the file is being imported by another process.
    """
    source = open_source(path, format=format)
    mapping = mapping or ColumnMapping()
    names = columns_of(source, delimiter=delimiter)
    columns = Columns(names, mapping=mapping, is_event=True)
    columns.require("kind", "item_id", "time")
    if "user_id" not in columns.fields:
        columns.require("anonymous_id")
    report = run_import(
        Import(
            kind="catalog.import_events",
            source=_identity(source, mapping, delimiter),
            rows=lambda: read_rows(source, delimiter=delimiter),
            read=lambda values: _event(columns.read(values), seconds=seconds),
            write=write_events,
            prepare=prepare_events,
            settle=settle_events,
            total=count_rows(source),
            batch_size=EVENT_BATCH,
            notes=lambda: _notes(columns, "properties"),
        ),
        progress=progress,
        restart=restart,
        job_id=job_id,
    )
    if report.tally.created:
        enqueue("recs.train_neighbours")
    return report


def write_events(batch: list[tuple[Row, EventInput]]) -> Outcome:
    """Store a batch of events; those of unknown items are problems."""
    counts = copy_events(events=[event for _, event in batch])
    problems = [
        Problem(
            line=row.line,
            field="item_id",
            reason=f"There is no item '{event.item_id}': import the items first.",
            excerpt=row.excerpt,
        )
        for row, event in (batch[position] for position in counts.unknown_items)
    ]
    return Outcome(created=counts.accepted, unchanged=counts.duplicate, problems=problems)


def prepare_events(events: list[EventInput]) -> None:
    """Create partitions outside the batch's transaction: they stay when it is rolled back."""
    ensure_partitions(event.time for event in events)


def _write_items(batch: list[tuple[Row, ItemInput]], *, keep_hidden: bool) -> Outcome:
    counts = copy_items(items=[item for _, item in batch], keep_hidden=keep_hidden)
    return Outcome(created=counts.created, updated=counts.updated, unchanged=counts.unchanged)


def _event(row: dict[str, Any], *, seconds: bool) -> EventInput:
    time = row.get("time")
    if time in (None, ""):
        # An event that is read twice must not happen at two times.
        raise InvalidInput("'time' is required in a file.", field="time")
    if seconds:
        row = row | {"time": _milliseconds(time)}
    if not row.get("surface"):
        row = row | {"surface": "import"}
    return read_event(row, now=timezone.now())


def _milliseconds(time: Any) -> Any:
    try:
        return int(float(time) * 1000)
    except (TypeError, ValueError, OverflowError):
        return time


def _identity(source: SourceFile, mapping: ColumnMapping, delimiter: str | None) -> dict[str, Any]:
    """What must be the same for an interrupted import to go on."""
    said = {"format": source.format, "delimiter": delimiter, "mapping": mapping.as_json()}
    return source.fingerprint() | said


def _notes(columns: Columns, rest: str) -> list[str]:
    notes = [f"{ours} is read from the column {theirs}" for ours, theirs in columns.fields.items()
             if ours != theirs]  # fmt: skip
    if columns.kept:
        notes.append(f"columns kept as {rest}: {', '.join(columns.kept)}")
    notes += [
        f"{count:,} values of {name} are no {columns.suggested(name)} and were kept as {rest}"
        for name, count in columns.unfit.items()
    ]
    notes += [
        f"{count:,} values of {name} do not fit an attribute: cut or left out"
        for name, count in columns.cut.items()
    ]
    return notes
