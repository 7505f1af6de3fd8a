"""Importing labels: what the export writes (CSV, JSON Lines, TREC's qrels), and files like it."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from django.db import connection

from catalog import values as checked
from catalog.errors import InvalidInput
from catalog.importers.files import CSV, JSON_LINES, BrokenFile, SourceFile, open_source, read_lines
from catalog.importers.rows import Row, columns_of, count_rows, excerpt, read_rows
from catalog.importers.run import Import, ImportReport, Outcome, Problem, run_import
from catalog.judging.exports import TREC, as_written, read_topic
from catalog.labels import GRADES
from catalog.models import Item, Label, Person
from catalog.progress import NO_PROGRESS, Progress

QUERY_CHARACTERS = 500
NEEDED = ("item", "grade")
QRELS_WORDS = 4

# One statement for a batch. A label that says the same is left alone.
_WRITE = """
    WITH given AS (
        SELECT * FROM unnest(
            %(kind)s::text[], %(query)s::text[], %(person)s::bigint[], %(item)s::bigint[],
            %(grade)s::int[], %(source)s::text[], %(labeller)s::text[], %(note)s::text[],
            %(guideline)s::text[], %(content_hash)s::text[], %(propensity)s::float8[],
            %(confidence)s::float8[]
        ) AS row(kind, query, person_id, item_id, grade, source, labeller, note, guideline,
                 content_hash, propensity, confidence)
        WHERE kind = '{kind}'
    ), written AS (
        INSERT INTO catalog_label AS label
            (kind, query, person_id, item_id, grade, source, labeller, note, guideline,
             content_hash, propensity, confidence, created_at, updated_at)
        SELECT kind, query, person_id, item_id, grade, source, labeller, note, guideline,
               content_hash, propensity, confidence, now(), now()
        FROM given ORDER BY query, person_id, item_id, source, labeller
        ON CONFLICT ({key}, item_id, source, labeller) WHERE kind = '{kind}'
        DO UPDATE SET grade = EXCLUDED.grade, note = EXCLUDED.note,
            guideline = EXCLUDED.guideline, content_hash = EXCLUDED.content_hash,
            propensity = EXCLUDED.propensity, confidence = EXCLUDED.confidence,
            updated_at = now()
        WHERE (label.grade, label.note, label.guideline, label.content_hash, label.propensity,
               label.confidence) IS DISTINCT FROM
              (EXCLUDED.grade, EXCLUDED.note, EXCLUDED.guideline, EXCLUDED.content_hash,
               EXCLUDED.propensity, EXCLUDED.confidence)
        RETURNING label.xmax = 0 AS is_new
    )
    SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new) FROM written
"""
_WRITES = [
    _WRITE.format(kind="relevance", key="query"),
    _WRITE.format(kind="fit", key="person_id"),
]
_COLUMNS = (
    "kind", "query", "person", "item", "grade", "source", "labeller", "note", "guideline",
    "content_hash", "propensity", "confidence",
)  # fmt: skip
Read = dict[str, Any]


def import_labels(
    *,
    path: str | Path,
    format: str | None = None,
    labeller: str = "",
    kind: str = Label.Kind.RELEVANCE,
    progress: Progress = NO_PROGRESS,
    restart: bool = False,
) -> ImportReport:
    """Import labels; rows that cannot be used are told with their lines, the others are kept.

    A second label of one labeller for a pair replaces the first, so a file may come twice.

    Args:
        path: CSV or JSON Lines with `item`, `grade`, `query` or `person`, and what else
            catalog.judging.exports writes; or qrels ("topic 0 docno grade").
        format: "csv", "jsonl" or "trec" where the file's name does not say it.
        labeller: whose grades they are, where the rows do not say it. Qrels never do.
        kind: Label.Kind, where the rows do not say it.
        progress: told of each batch.
        restart: begin at the first row, even where an earlier run was interrupted.

    Raises:
        InvalidInput: the file cannot be used.
        Conflict: another process imports it.
    """
    if kind not in Label.Kind.values:
        raise InvalidInput(f"'kind' is one of {', '.join(Label.Kind.values)}.", field="kind")
    is_trec = format == TREC or (format is None and Path(path).suffix in (".qrels", ".trec"))
    source = open_source(path, format=CSV if is_trec else format)
    if not is_trec:
        _check_columns(source)
    elif not labeller:
        raise InvalidInput("Qrels do not say who judged: name a labeller.", field="labeller")
    given = {"labeller": labeller, "kind": kind}
    return run_import(
        Import(
            kind="catalog.import_label_file",
            source=source.fingerprint() | given,
            rows=lambda: _qrels(source) if is_trec else read_rows(source),
            read=partial(_read, given=given, is_csv=not is_trec and source.format == CSV),
            write=_write,
            total=count_rows(source),
        ),
        progress=progress,
        restart=restart,
    )


def _check_columns(source: SourceFile) -> None:
    if source.format not in (CSV, JSON_LINES):
        raise InvalidInput("Labels come as CSV, JSON Lines or qrels.", field="format")
    missing = sorted(set(NEEDED) - set(columns_of(source)))
    if missing:
        raise InvalidInput(f"The file has no column '{missing[0]}'.", field=missing[0])


def _qrels(source: SourceFile) -> Iterator[Row]:
    number = 0
    try:
        for line in read_lines(source):
            number = line.number
            text = line.data.decode("utf-8", "replace")
            words = text.split()
            if len(words) not in (0, QRELS_WORDS):
                problem = f"{len(words)} words; a line of qrels has {QRELS_WORDS}."
                yield Row(line=number, problem=problem, excerpt=excerpt(text))
            elif words:
                topic, _, docno, grade = words
                values = {"topic": read_topic(topic), "item": read_topic(docno), "grade": grade}
                yield Row(line=number, values=values, excerpt=excerpt(text))
    except BrokenFile as error:
        yield Row(line=number, problem=str(error))


def _read(row: Mapping[str, Any], *, given: Mapping[str, str], is_csv: bool) -> Read:
    """One label, checked; people and items are still external ids."""
    values = {name: as_written(value) if is_csv else value for name, value in row.items()}
    kind = _choice(values.get("kind") or given["kind"], Label.Kind.values, "kind")
    is_fit = kind == Label.Kind.FIT
    topic = values.get("topic")
    query = values.get("query") if topic is None else topic
    person = values.get("person") if topic is None else topic
    labeller = values.get("labeller") or given["labeller"]
    return {
        "kind": kind,
        "query": "" if is_fit else checked.text(
            query, field="query", limit=QUERY_CHARACTERS, required=True
        ),
        "person": checked.identifier(person, field="person", limit=200) if is_fit else None,
        "item": checked.identifier(values.get("item"), field="item", limit=200),
        "grade": _grade(values.get("grade")),
        "source": _choice(values.get("source") or "human", Label.Source.values, "source"),
        "labeller": checked.text(labeller, field="labeller", limit=100, required=True),
        "note": checked.text(values.get("note"), field="note", limit=5_000, lines=True),
        "guideline": checked.text(values.get("guideline"), field="guideline", limit=20),
        "content_hash": checked.text(values.get("content_hash"), field="content_hash", limit=64),
        "propensity": _share(values.get("propensity"), "propensity"),
        "confidence": _share(values.get("confidence"), "confidence"),
    }  # fmt: skip


def _grade(value: object) -> int:
    grade = checked.number(value, field="grade")
    if grade is None or grade not in GRADES:
        raise InvalidInput("'grade' is 0 (bad), 1, 2 or 3 (perfect).", field="grade")
    return int(grade)


def _choice(value: object, known: list[str], field: str) -> str:
    if value not in known:
        raise InvalidInput(f"'{field}' is one of {', '.join(known)}.", field=field)
    return str(value)


def _share(value: object, field: str) -> float | None:
    share = checked.number(value, field=field)
    if share is not None and not 0 <= share <= 1:
        raise InvalidInput(f"'{field}' is from 0 to 1.", field=field)
    return share


def _write(batch: list[tuple[Row, Read]]) -> Outcome:
    items = _keys(Item.objects, {read["item"] for _, read in batch})
    people = _keys(Person.objects, {read["person"] for _, read in batch if read["person"]})
    problems, kept = [], {}
    for row, read in batch:
        problem = _unknown(row, read, items, people)
        if problem is None:
            # The last of two of one labeller for a pair stands.
            key = tuple(read[name] for name in ("kind", "query", "person", "item", "source",
                                                "labeller"))  # fmt: skip
            kept[key] = read | {"item": items[read["item"]], "person": people.get(read["person"])}
        else:
            problems.append(problem)
    columns = {name: [read[name] for read in kept.values()] for name in _COLUMNS}
    created = updated = 0
    with connection.cursor() as cursor:
        for statement in _WRITES:
            cursor.execute(statement, columns)
            new, changed = cursor.fetchone()
            created, updated = created + new, updated + changed
    same = len(batch) - len(problems) - created - updated
    return Outcome(created=created, updated=updated, unchanged=same, problems=problems)


def _keys(rows: Any, external_ids: set[str]) -> dict[str, int]:
    return dict(rows.filter(external_id__in=external_ids).values_list("external_id", "pk"))


def _unknown(
    row: Row, read: Read, items: Mapping[str, int], people: Mapping[str, int]
) -> Problem | None:
    if read["item"] not in items:
        reason = f"There is no item '{read['item']}': import the items first."
        return Problem(line=row.line, field="item", reason=reason, excerpt=row.excerpt)
    if read["person"] and read["person"] not in people:
        reason = f"There is no person '{read['person']}': they have no events yet."
        return Problem(line=row.line, field="person", reason=reason, excerpt=row.excerpt)
    return None
