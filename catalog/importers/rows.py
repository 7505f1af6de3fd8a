"""Rows of CSV, JSON Lines and Parquet files, each with its real line number and what is wrong."""

import csv
import json
import math
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from catalog.errors import InvalidInput
from catalog.importers.files import (
    CSV,
    MAX_LINE_BYTES,
    PARQUET,
    BrokenFile,
    Line,
    SourceFile,
    read_lines,
)

DELIMITERS = (",", "\t", ";", "|")
EXCERPT_CHARACTERS = 300
PARQUET_BATCH = 2_000
# Rows that are looked at to learn which columns a JSON Lines file has.
SAMPLE_ROWS = 200
MAX_FIELD_CHARACTERS = 131_072


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of a file: its values, or the reason why there are none."""

    line: int
    values: dict[str, Any] | None = None
    problem: str = ""
    excerpt: str = ""


def read_rows(source: SourceFile, *, delimiter: str | None = None) -> Iterator[Row]:
    """The rows of a file in order. What cannot be read is told as a row with a problem.

    Raises:
        InvalidInput: the file as a whole cannot be used (no header, not Parquet).
    """
    if source.format == PARQUET:
        return _parquet_rows(source)
    if source.format == CSV:
        return CsvReader(source, delimiter=delimiter).rows()
    return _json_rows(source)


def columns_of(source: SourceFile, *, delimiter: str | None = None) -> list[str]:
    """Names of the columns, from the header, the schema, or the first rows.

    Raises:
        InvalidInput: the file as a whole cannot be used.
    """
    if source.format == PARQUET:
        return list(_open_parquet(source).schema_arrow.names)
    if source.format == CSV:
        return CsvReader(source, delimiter=delimiter).columns
    names: dict[str, None] = {}
    for n, row in enumerate(_json_rows(source)):
        names |= dict.fromkeys(row.values or {})
        if n >= SAMPLE_ROWS:
            break
    return list(names)


def count_rows(source: SourceFile) -> int:
    """About how many rows there are, for the progress bar; 0 where that is not known."""
    if source.format == PARQUET:
        return int(_open_parquet(source).metadata.num_rows)
    return source.count_lines()


def excerpt(text: str) -> str:
    """The beginning of a line, fit to be stored and shown."""
    shown = text[: EXCERPT_CHARACTERS - 1].encode("utf-8", "replace").decode()
    return shown.replace("\x00", "\ufffd").strip()


class CsvReader:
    """Rows of a CSV file.

    A stray quote makes a CSV parser swallow the lines behind it. So when a record cannot be used,
    only its first line is given up, and the lines behind it are read again as records of their own.
    """

    def __init__(self, source: SourceFile, *, delimiter: str | None = None) -> None:
        self._lines = read_lines(source)
        self._again: deque[Line] = deque()
        self._taken: list[Line] = []
        try:
            header = next(self._lines)
        except BrokenFile as error:
            raise InvalidInput(str(error), field="path") from error
        text = _decoded(header)
        if text is None or header.is_overlong:
            raise InvalidInput(
                f"The first line of {source.path.name} is no header in UTF-8.", field="path"
            )
        tabs = any(suffix.lower() == ".tsv" for suffix in source.path.suffixes)
        self._delimiter = delimiter or ("\t" if tabs else _sniff(text))
        self._again.append(header)
        self.columns = self._read_header()

    def rows(self) -> Iterator[Row]:
        """The rows behind the header."""
        while True:
            try:
                row = self._next()
            except StopIteration:
                return
            except BrokenFile as error:
                yield Row(line=self._line(), problem=str(error))
                return
            if row is not None:
                yield row

    def _read_header(self) -> list[str]:
        try:
            header = next(csv.reader(self._feed(), delimiter=self._delimiter, strict=True))
        except (csv.Error, StopIteration) as error:
            raise InvalidInput(f"The header cannot be read: {error}", field="path") from None
        columns = [name.strip() for name in header]
        twice = {name for name in columns if name and columns.count(name) > 1}
        if twice:
            raise InvalidInput(
                f"Two columns have the same name: {', '.join(sorted(twice))}.", field="path"
            )
        return columns

    def _next(self) -> Row | None:
        self._taken = []
        try:
            values = next(csv.reader(self._feed(), delimiter=self._delimiter, strict=True))
        except csv.Error as error:
            return self._give_up(_csv_reason(str(error), len(self._taken)))
        reason = self._reason(values)
        if reason:
            return self._give_up(reason)
        if not values:
            return None
        first = self._taken[0]
        named = {n: v for n, v in zip(self.columns, values, strict=True) if n}
        return Row(line=first.number, values=named, excerpt=excerpt(_shown(first)))

    def _reason(self, values: Sequence[str]) -> str:
        if reason := _unreadable(self._taken):
            return reason
        if values and len(values) != len(self.columns):
            cut = " The file ends in the middle of it." if self._taken[-1].is_cut_off else ""
            return f"{len(values)} fields, the header has {len(self.columns)}.{cut}"
        return ""

    def _feed(self) -> Iterator[str]:
        while True:
            try:
                line = self._again.popleft() if self._again else next(self._lines)
            except StopIteration:
                return
            self._taken.append(line)
            yield "\n" if line.is_overlong else line.data.decode("utf-8", "surrogateescape")

    def _give_up(self, reason: str) -> Row:
        first, *rest = self._taken
        self._again.extendleft(reversed(rest))
        return Row(line=first.number, problem=reason, excerpt=excerpt(_shown(first)))

    def _line(self) -> int:
        return self._taken[-1].number if self._taken else 1


def _json_rows(source: SourceFile) -> Iterator[Row]:
    line = Line(0, b"")
    try:
        for line in read_lines(source):
            row = _json_row(line)
            if row is not None:
                yield row
    except BrokenFile as error:
        yield Row(line=line.number, problem=str(error))


def _json_row(line: Line) -> Row | None:
    reason = _unreadable([line])
    values: Any = None
    if not reason:
        text = line.data.decode("utf-8")
        if not text.strip():
            return None
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            cut = " The file ends in the middle of this line." if line.is_cut_off else ""
            reason = f"No JSON: {getattr(error, 'msg', 'nested too deeply')}.{cut}"
    if not reason and not isinstance(values, dict):
        reason = "A line must be one JSON object."
    return Row(
        line=line.number,
        values=None if reason else values,
        problem=reason,
        excerpt=excerpt(_shown(line)),
    )


def _parquet_rows(source: SourceFile) -> Iterator[Row]:
    file = _open_parquet(source)
    number = 0
    try:
        for batch in file.iter_batches(batch_size=PARQUET_BATCH):
            for values in batch.to_pylist():
                number += 1
                known = {name: _without_nan(value) for name, value in values.items()}
                yield Row(line=number, values=known, excerpt=excerpt(repr(values)))
    except (pa.ArrowException, OSError, ValueError) as error:
        yield Row(line=number + 1, problem=f"The file is damaged here: {error}"[:400])


def _open_parquet(source: SourceFile) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(source.path)
    except (pa.ArrowException, OSError) as error:
        raise InvalidInput(
            f"{source.path.name} is no Parquet file: {str(error).splitlines()[0][:200]}",
            field="path",
        ) from None


def _without_nan(value: Any) -> Any:
    """Frames write a missing number as NaN."""
    return None if isinstance(value, float) and math.isnan(value) else value


def _sniff(header: str) -> str:
    outside_quotes = "".join(header.split('"')[::2])
    return max(DELIMITERS, key=outside_quotes.count)


def _decoded(line: Line) -> str | None:
    try:
        return line.data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _shown(line: Line) -> str:
    return line.data[: 4 * EXCERPT_CHARACTERS].decode("utf-8", "replace")


def _unreadable(lines: Sequence[Line]) -> str:
    """Why the bytes of a record cannot be used, or nothing."""
    for line in lines:
        if line.is_overlong:
            return f"The line is longer than {MAX_LINE_BYTES // 2**20} MB."
        try:
            line.data.decode("utf-8")
        except UnicodeDecodeError as error:
            byte = line.data[error.start]
            return f"Byte 0x{byte:02x} at {error.start + 1} is not UTF-8: save the file as UTF-8."
    return ""


def _csv_reason(error: str, lines: int) -> str:
    if "field larger" in error:
        return f"A field has more than {MAX_FIELD_CHARACTERS:,} characters: is a quote left open?"
    if "unexpected end" in error:
        return "A quote is opened here and never closed."
    return f"No CSV: {error}." + (f" The record spans {lines} lines." if lines > 1 else "")
