"""Bulk writes row by row: the good ones go on, the bad ones are told with their place."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from catalog.errors import InvalidInput
from catalog.types import WriteResult

Row = TypeVar("Row")


def write_rows(
    rows: Sequence[Any],
    *,
    read: Callable[[Any], Row],
    write: Callable[[Sequence[Row]], Sequence[WriteResult]],
) -> list[WriteResult]:
    """Read each row, write those that can be read at once; what became of each, in order."""
    results: dict[int, WriteResult] = {}
    good: list[tuple[int, Row]] = []
    for place, row in enumerate(rows):
        try:
            good.append((place, read(row)))
        except InvalidInput as error:
            results[place] = WriteResult(status="error", field=error.field, detail=error.detail)
    written = write([row for _, row in good]) if good else []
    results |= {place: result for (place, _), result in zip(good, written, strict=True)}
    return [results[place] for place in range(len(rows))]
