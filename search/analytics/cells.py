"""Rows of numbers as flat cells with names, for files that spreadsheets open."""

import csv
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from typing import Any

from search.analytics.anew import Reformulation, reformulations
from search.analytics.lists import Shown, Stage, by_position, by_source, by_stage
from search.analytics.measures import Mean
from search.analytics.overview import Numbers, overview
from search.analytics.queries import (
    QueryNumbers,
    no_click_queries,
    no_result_queries,
    top_queries,
)
from search.analytics.scope import Scope
from search.reports import Share

MOST_ROWS = 10_000
# Spreadsheets run a cell that begins like a formula; the wide forms and what they skip count too.
FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
Row = tuple[object, ...]


def days_of(scope: Scope) -> Iterator[Row]:
    """A row for each day."""
    for day, numbers in overview(scope).days.items():
        yield (day, *values(numbers))


def _listed(read: Callable[..., Iterable[Any]], **limits: int) -> Callable[[Scope], Iterator[Row]]:
    return lambda scope: (values(row) for row in read(scope, **limits))


def names(row_class: type) -> list[str]:
    """Of the columns of a row: a share has a count, its value and both ends of its interval."""
    suffixes: dict[object, tuple[str, ...]] = {
        Share: ("", "_share", "_low", "_high"),
        Mean: ("", "_low", "_high", "_count"),
        tuple[float, float, float]: ("_p50", "_p95", "_p99"),
    }
    return [
        f"{field.name}{suffix}"
        for field in fields(row_class)
        for suffix in suffixes.get(field.type, ("",))
    ]


def values(row: Any) -> Row:
    """In the order of names()."""
    return tuple(cell for field in fields(row) for cell in _cells(getattr(row, field.name)))


# Name: (columns, rows).
TABLES: dict[str, tuple[list[str], Callable[[Scope], Iterator[Row]]]] = {
    "days": (["day", *names(Numbers)], days_of),
    "top": (names(QueryNumbers), _listed(top_queries, limit=MOST_ROWS)),
    "no_results": (names(QueryNumbers), _listed(no_result_queries, limit=MOST_ROWS)),
    "no_clicks": (names(QueryNumbers), _listed(no_click_queries, limit=MOST_ROWS)),
    "reformulations": (names(Reformulation), _listed(reformulations, limit=MOST_ROWS)),
    "positions": (names(Shown), _listed(by_position)),
    "sources": (names(Shown), _listed(by_source)),
    "stages": (names(Stage), _listed(by_stage)),
}


def csv_lines(head: Iterable[str], rows: Iterable[Row]) -> Iterator[str]:
    """Lines of a CSV file, one by one; no cell begins like a formula."""
    writer: Any = csv.writer(_Line())
    yield writer.writerow(head)
    for row in rows:
        yield writer.writerow([harmless(cell) for cell in row])


def harmless(cell: object) -> object:
    """The cell; with a quote before it where it is text that a spreadsheet would run."""
    if isinstance(cell, str) and cell.lstrip(" ").startswith(FORMULA):
        return f"'{cell}"
    return round(cell, 6) if isinstance(cell, float) else cell


def _cells(value: object) -> tuple[object, ...]:
    if isinstance(value, Share):
        return (value.part, value.value, *value.interval)
    if isinstance(value, Mean):
        return (value.value, *value.interval, value.count)
    return value if isinstance(value, tuple) else (value,)


class _Line:
    """What the CSV writer writes to: gives the line back instead of keeping it."""

    def write(self, line: str) -> str:
        """The line."""
        return line
