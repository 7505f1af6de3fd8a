"""Labels as files: CSV, JSON Lines and TREC's qrels, written a row at a time.

Qrels have a line for each pair, "topic 0 docno grade", without blanks inside: the query (or the
person's id) and the item's id are percent-encoded, as in addresses.
"""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from urllib.parse import quote, unquote

from django.db.models import QuerySet

from catalog.judging.settled import settle
from catalog.models import Label

CSV, JSON_LINES, TREC = "csv", "jsonl", "trec"
FORMATS = (CSV, JSON_LINES, TREC)
COLUMNS = (
    "kind", "query", "person", "item", "grade", "source", "labeller", "note", "guideline",
    "content_hash", "propensity", "confidence", "at",
)  # fmt: skip
CHUNK = 1_000
# Spreadsheets run a cell that begins with one of these. A quote before it stops that; a text that
# begins with a quote gets one too, so that reading takes exactly one away again.
_ACTIVE = tuple("=+-@\t\r'")


def lines_of(labels: QuerySet[Label], *, format: str, judges: int = 1) -> Iterator[str]:
    """The labels as lines of a file, read from the database as they are asked for.

    Args:
        labels: which ones.
        format: CSV, JSON_LINES or TREC.
        judges: for TREC, which has one grade for a pair: how many people must have graded it
            (catalog.judging.settled); where it has other labels only, a single one counts.
    """
    if format == TREC:
        return _trec_lines(labels, judges)
    rows = _rows(labels.select_related("item", "person").order_by("pk"))
    return _csv_lines(rows) if format == CSV else _json_lines(rows)


def harmless(value: object) -> object:
    """A cell that no spreadsheet runs."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_ACTIVE) else value


def as_written(cell: object) -> object:
    """A cell as it was before harmless()."""
    is_quoted = isinstance(cell, str) and cell[:1] == "'" and cell[1:].startswith(_ACTIVE)
    return cell[1:] if isinstance(cell, str) and is_quoted else cell


def read_topic(word: str) -> str:
    """What a word of a qrels line stands for."""
    return unquote(word)


class _Line:
    """A file that hands back what is written, as csv.writer wants one."""

    def write(self, text: str) -> str:
        return text


def _rows(labels: QuerySet[Label]) -> Iterator[dict[str, object]]:
    lean = labels.defer("item__search_vector", "item__description", "item__keywords")
    for label in lean.iterator(chunk_size=CHUNK):
        yield {
            "kind": label.kind,
            "query": label.query,
            "person": label.person.external_id if label.person else "",
            "item": label.item.external_id,
            "grade": label.grade,
            "source": label.source,
            "labeller": label.labeller,
            "note": label.note,
            "guideline": label.guideline,
            "content_hash": label.content_hash,
            "propensity": label.propensity,
            "confidence": label.confidence,
            "at": label.updated_at.isoformat(),
        }


def _csv_lines(rows: Iterable[Mapping[str, object]]) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield writer.writerow(COLUMNS)
    for row in rows:
        yield writer.writerow(harmless(row[name]) for name in COLUMNS)


def _json_lines(rows: Iterable[Mapping[str, object]]) -> Iterator[str]:
    for row in rows:
        yield json.dumps(row, ensure_ascii=False) + "\n"


def _trec_lines(labels: QuerySet[Label], judges: int) -> Iterator[str]:
    rows = labels.select_related("item", "person").order_by("kind", "query", "person_id", "item_id")
    lean = rows.defer("item__search_vector", "item__description", "item__keywords")
    one_pair = groupby(
        lean.iterator(chunk_size=CHUNK),
        key=lambda one: (one.kind, one.query, one.person_id, one.item_id),
    )
    for _, of_pair in one_pair:
        given = list(of_pair)
        found = settle(given, judges=judges)
        grade = found.grade if found else _only(given)
        if grade is not None:
            first = given[0]
            topic = first.query if first.person is None else first.person.external_id
            yield f"{quote(topic, safe='')} 0 {quote(first.item.external_id, safe='')} {grade}\n"


def _only(given: list[Label]) -> int | None:
    """The grade of a pair that a single model graded."""
    is_model = given[0].source in (Label.Source.LLM, Label.Source.MODEL)
    return given[0].grade if len(given) == 1 and is_model else None
