"""Opening a file that somebody gives us: what it is, and a clear word where it is not readable."""

import gzip
import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from catalog.errors import InvalidInput

CSV, JSON_LINES, PARQUET = "csv", "jsonl", "parquet"
FORMATS = (CSV, JSON_LINES, PARQUET)
_SUFFIXES = {
    ".csv": CSV,
    ".tsv": CSV,
    ".txt": CSV,
    ".dat": CSV,
    ".jsonl": JSON_LINES,
    ".ndjson": JSON_LINES,
    ".json": JSON_LINES,
    ".parquet": PARQUET,
    ".pq": PARQUET,
}
# No row that can be stored is longer; what is longer is told and passed over in pieces.
MAX_LINE_BYTES = 4 * 1024 * 1024
FINGERPRINT_BYTES = 1024 * 1024
# Counting the lines of a larger compressed file would take longer than it is worth.
MAX_GZIP_TO_COUNT = 50 * 1024 * 1024
_GZIP, _ZIP, _PARQUET_MAGIC = b"\x1f\x8b", b"PK\x03\x04", b"PAR1"


@dataclass(frozen=True, slots=True)
class Line:
    """One line as it stands in the file: its number from 1, its bytes, and what is odd about it."""

    number: int
    data: bytes
    is_overlong: bool = False
    is_cut_off: bool = False  # the file ends without an end of line


class BrokenFile(Exception):
    """The file cannot be read past this point (a damaged gzip file)."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that exists, is not empty, and is in a format that can be read."""

    path: Path
    format: str
    is_gzip: bool

    def open(self) -> BinaryIO:
        """The (decompressed) bytes."""
        if self.is_gzip:
            return cast(BinaryIO, gzip.open(self.path, "rb"))
        return self.path.open("rb")

    def fingerprint(self) -> dict[str, object]:
        """What must be the same for an import to go on where it stopped."""
        stat = self.path.stat()
        with self.path.open("rb") as file:
            head = hashlib.sha256(file.read(FINGERPRINT_BYTES)).hexdigest()
        return {"path": str(self.path.resolve()), "size": stat.st_size, "sha256_of_head": head}

    def count_lines(self) -> int:
        """Lines in the file, for the progress bar; 0 where counting takes too long."""
        if self.is_gzip and self.path.stat().st_size > MAX_GZIP_TO_COUNT:
            return 0
        try:
            with self.open() as file:
                return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))
        except (EOFError, OSError):
            return 0


def open_source(path: str | Path, *, format: str | None = None) -> SourceFile:
    """Look at a file, and refuse what cannot be imported in words that help.

    Raises:
        InvalidInput: nothing there, a folder, empty, an archive, another encoding, unknown format.
    """
    path = Path(path)
    head = _read_head(path)
    if head.startswith(_ZIP):
        raise InvalidInput(
            f"{path.name} is a zip archive (or an Excel file): unpack it, or save it as CSV in "
            "UTF-8, and import what is in it.",
            field="path",
        )
    is_gzip = head.startswith(_GZIP)
    if is_gzip:
        head = _head_of_gzip(path)
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise InvalidInput(f"{path.name} is in UTF-16: save it as UTF-8.", field="path")
    if not head.strip(b"\xef\xbb\xbf \t\r\n"):
        raise InvalidInput(f"{path.name} is empty.", field="path")
    found = format or _format_of(path, head)
    if found == PARQUET and is_gzip:
        raise InvalidInput("A Parquet file is not packed again: unpack it first.", field="path")
    if found == JSON_LINES and head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"["):
        raise InvalidInput(
            f"{path.name} is one JSON array. Write one object on each line: jq -c '.[]' "
            f"{path.name} > {path.stem}.jsonl",
            field="path",
        )
    return SourceFile(path=path, format=found, is_gzip=is_gzip)


def read_lines(source: SourceFile) -> Iterator[Line]:
    """The lines in order, each with its bytes; an overlong one comes cut and marked.

    Raises:
        BrokenFile: the compressed data is damaged or ends early.
    """
    with source.open() as file:
        number = 0
        try:
            while data := file.readline(MAX_LINE_BYTES):
                number += 1
                is_overlong = False
                while not data.endswith(b"\n") and len(data) >= MAX_LINE_BYTES:
                    # Pass over the rest in pieces, so that no memory is taken.
                    is_overlong = True
                    rest = file.readline(MAX_LINE_BYTES)
                    if not rest or rest.endswith(b"\n") or len(rest) < MAX_LINE_BYTES:
                        break
                if number == 1:
                    data = data.removeprefix(b"\xef\xbb\xbf")
                cut_off = not is_overlong and not data.endswith(b"\n")
                yield Line(number, data[:200] if is_overlong else data, is_overlong, cut_off)
        except (EOFError, gzip.BadGzipFile, OSError, zlib.error) as error:
            raise BrokenFile(f"The file is damaged after line {number:,}: {error}") from error


def _read_head(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise InvalidInput(
                f"{path} is a folder: name a file (import_movielens takes a MovieLens folder).",
                field="path",
            )
        with path.open("rb") as file:
            return file.read(4096)
    except FileNotFoundError:
        raise InvalidInput(f"There is no file {path}.", field="path") from None
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{path} cannot be read: {error}", field="path") from None


def _head_of_gzip(path: Path) -> bytes:
    try:
        with gzip.open(path, "rb") as file:
            return file.read(4096)
    except (EOFError, OSError, zlib.error):
        # A truncated file may still give its first lines: let the reader tell how far it gets.
        return b"?"


def _format_of(path: Path, head: bytes) -> str:
    if head.startswith(_PARQUET_MAGIC):
        return PARQUET
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    if suffixes and suffixes[-1] in _SUFFIXES:
        return _SUFFIXES[suffixes[-1]]
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return JSON_LINES
    raise InvalidInput(
        f"The format of {path.name} cannot be told from its name: say --format "
        f"{' or '.join(FORMATS)}.",
        field="format",
    )
