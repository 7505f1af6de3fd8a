"""Importing relevance judgments of OpenSearch's Search Relevance Workbench as labels."""

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from django.db import connection

from catalog import values as checked
from catalog.errors import InvalidInput
from catalog.importers.files import JSON_LINES, open_source
from catalog.importers.rows import Row
from catalog.importers.run import Import, ImportReport, Outcome, Problem, run_import
from catalog.models import Item, Label
from catalog.progress import NO_PROGRESS, Progress

MAX_BYTES = 200 * 1024 * 1024
BEST_GRADE = 3
Judgment = tuple[str, str, float]  # query, item, rating

_WRITE = """
    INSERT INTO catalog_label AS label
        (kind, query, item_id, grade, source, labeller, note, created_at, updated_at)
    VALUES ('relevance', %s, %s, %s, %s, %s, '', now(), now())
    ON CONFLICT (query, item_id, source, labeller) WHERE kind = 'relevance'
    DO UPDATE SET grade = EXCLUDED.grade, updated_at = now() WHERE label.grade <> EXCLUDED.grade
"""


def import_judgments(
    *,
    path: str | Path,
    labeller: str = "",
    progress: Progress = NO_PROGRESS,
    restart: bool = False,
) -> ImportReport:
    """Import the ratings of items for queries as labels of people.

    Ratings are brought to grades 0 to 3: as they are where they are such grades, by rank where
    there are at most four different ones (100, 10, 1, 0), in proportion otherwise.

    Args:
        path: JSON with `judgmentRatings`, each a `query` with `ratings` of `docId` and `rating`.
        labeller: who judged; the file's own name of the judgments where it is empty.
        progress: told of each batch.
        restart: begin at the first judgment, even where an earlier run was interrupted.

    Raises:
        InvalidInput: the file cannot be used.
        Conflict: another process imports it.
    """
    document = _load(path)
    grades = _grades(document)
    name = checked.text(labeller or document.get("name"), field="labeller", limit=100) or "import"
    source = open_source(path, format=JSON_LINES)
    return run_import(
        Import(
            kind="catalog.import_labels",
            source=source.fingerprint() | {"labeller": name},
            rows=lambda: _rows(document),
            read=_read,
            write=partial(_write, grades=grades, labeller=name),
        ),
        progress=progress,
        restart=restart,
    )


def grades_of(ratings: Iterable[float]) -> dict[float, int]:
    """The grade from 0 to 3 of each rating."""
    different = sorted(set(ratings))
    if all(rating in range(BEST_GRADE + 1) for rating in different):
        return {rating: int(rating) for rating in different}
    if len(different) <= BEST_GRADE + 1:
        # The best one is perfect, whatever number it is.
        first = BEST_GRADE + 1 - len(different)
        return {rating: first + rank for rank, rating in enumerate(different)}
    low, high = different[0], different[-1]
    return {rating: round(BEST_GRADE * (rating - low) / (high - low)) for rating in different}


def _load(path: str | Path) -> Mapping[str, Any]:
    source = open_source(path, format=JSON_LINES)
    if source.path.stat().st_size > MAX_BYTES:
        raise InvalidInput(f"{source.path.name} is larger than 200 MB.", field="path")
    try:
        with source.open() as file:
            document = json.load(file)
    except (ValueError, RecursionError, EOFError) as error:
        raise InvalidInput(f"{source.path.name} is no JSON: {error}", field="path") from None
    if not isinstance(document, dict) or not isinstance(document.get("judgmentRatings"), list):
        raise InvalidInput(f"{source.path.name} has no list 'judgmentRatings'.", field="path")
    return document


def _rows(document: Mapping[str, Any]) -> Iterator[Row]:
    line = 0
    for judged in document["judgmentRatings"]:
        ratings = judged.get("ratings") if isinstance(judged, dict) else None
        for rated in ratings if isinstance(ratings, list) else []:
            line += 1
            values = rated if isinstance(rated, dict) else {}
            yield Row(line=line, values={**values, "query": judged.get("query")})


def _grades(document: Mapping[str, Any]) -> dict[float, int]:
    ratings = []
    for row in _rows(document):
        try:
            ratings.append(_read(row.values or {})[2])
        except InvalidInput:
            continue  # told when the row is imported
    return grades_of(ratings)


def _read(values: Mapping[str, Any]) -> Judgment:
    rating = checked.number(values.get("rating"), field="rating")
    if rating is None:
        raise InvalidInput("'rating' is required.", field="rating")
    return (
        checked.text(values.get("query"), field="query", limit=500, required=True),
        checked.identifier(values.get("docId"), field="docId", limit=200),
        rating,
    )


def _write(
    batch: list[tuple[Row, Judgment]], *, grades: Mapping[float, int], labeller: str
) -> Outcome:
    wanted = {item for _, (_, item, _) in batch}
    known = dict(Item.objects.filter(external_id__in=wanted).values_list("external_id", "pk"))
    before = _count(labeller)
    problems, rows = [], []
    for row, (query, item, rating) in batch:
        if item in known:
            rows.append((query, known[item], grades[rating], Label.Source.HUMAN, labeller))
        else:
            reason = f"There is no item '{item}': import the items first."
            problems.append(Problem(line=row.line, field="docId", reason=reason))
    with connection.cursor() as cursor:
        cursor.executemany(_WRITE, rows)
        written = max(cursor.rowcount, 0)
    created = _count(labeller) - before
    return Outcome(
        created=created,
        updated=max(written - created, 0),
        unchanged=len(rows) - max(written, created),
        problems=problems,
    )


def _count(labeller: str) -> int:
    return Label.objects.filter(labeller=labeller, source=Label.Source.HUMAN).count()
