"""Judged pairs of a query and a product: what the file says, made plain."""

import csv
import html
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self, TypeVar

import numpy as np
import numpy.typing as npt

from recs.ml.sequence_files import UnreadableFile, read_rows

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

Name = TypeVar("Name", str, tuple[str, str])

COLUMNS = ("id", "query", "product_title", "product_description")
LEAST_GRADE, MOST_GRADE = 1, 4
_TAGS = re.compile(r"<(style|script)\b.*?</\1\s*>|<!--.*?-->|<[^<>]*>", re.DOTALL | re.IGNORECASE)
_FOREIGN = re.compile(r"[^\x00-\x7f]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """P pairs.

    `queries`: of each pair, small letters and single spaces. `titles`, `descriptions`: plain text,
    a description may be empty. `grades`: (P,) float32 from 1 (bad) to 4, NaN where nobody judged.
    `variances`: (P,) float32, how far the people who judged were apart, 0 where it is not told.
    """

    ids: tuple[str, ...]
    queries: tuple[str, ...]
    titles: tuple[str, ...]
    descriptions: tuple[str, ...]
    grades: Floats
    variances: Floats

    def __len__(self) -> int:
        """P."""
        return len(self.ids)

    @property
    def is_judged(self) -> bool:
        """Whether every pair has a grade."""
        return not bool(np.isnan(self.grades).any())

    @property
    def groups(self) -> Ints:
        """(P,) int64: the number of each pair's query, from 0 in the order of the alphabet."""
        _, groups = np.unique(np.array(self.queries, dtype=object), return_inverse=True)
        return groups.reshape(-1).astype(np.int64)

    @property
    def gains(self) -> Floats:
        """(P,) float32: what NDCG gives for each, 2^(grade - 1) - 1."""
        return np.asarray(2.0 ** (np.round(self.grades) - 1.0) - 1.0, np.float32)

    def select(self, rows: Ints) -> Self:
        """Those at these places."""
        places = rows.tolist()
        return replace(
            self,
            ids=tuple(self.ids[place] for place in places),
            queries=tuple(self.queries[place] for place in places),
            titles=tuple(self.titles[place] for place in places),
            descriptions=tuple(self.descriptions[place] for place in places),
            grades=self.grades[rows],
            variances=self.variances[rows],
        )

    def joined(self, other: Self) -> Self:
        """These, then those of another."""
        return replace(
            self,
            ids=self.ids + other.ids,
            queries=self.queries + other.queries,
            titles=self.titles + other.titles,
            descriptions=self.descriptions + other.descriptions,
            grades=np.concatenate([self.grades, other.grades]),
            variances=np.concatenate([self.variances, other.variances]),
        )

    def without_grades(self) -> Self:
        """The same as if nobody had judged."""
        unknown = np.full(len(self), np.nan, np.float32)
        return replace(self, grades=unknown, variances=np.zeros_like(unknown))


def read_pairs(path: Path, *, judged: bool) -> Pairs:
    """The pairs of a CSV with a header.

    The order of the file means nothing to anything that is learned: pairs are sorted by their text.

    Args:
        path: columns id, query, product_title, product_description; median_relevance from 1 to 4
            where somebody judged; relevance_variance where it is told. Others are passed over.
        judged: whether every pair has to have a grade.

    Raises:
        UnreadableFile: where the file is missing, empty or not of the format; the text says where.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            pairs = _read(csv.DictReader(file), path, judged)
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"{path} is not UTF-8 ({error.reason}): save it as UTF-8.") from None
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be read: {error.strerror}.") from None
    if not len(pairs):
        raise UnreadableFile(f"{path}: there is no pair in it.")
    keys = list(zip(pairs.queries, pairs.titles, pairs.descriptions, pairs.ids, strict=True))
    return pairs.select(np.array(sorted(range(len(pairs)), key=keys.__getitem__), np.int64))


def _read(reader: "csv.DictReader[str]", path: Path, judged: bool) -> Pairs:
    wanted = (*COLUMNS, "median_relevance") if judged else COLUMNS
    missing = [name for name in wanted if name not in (reader.fieldnames or ())]
    if missing:
        raise UnreadableFile(f"{path}: the first line has no column {', '.join(missing)}.")
    lists: tuple[list[str], ...] = ([], [], [], [])
    grades, variances = [], []
    seen: set[str] = set()
    for row in read_rows(reader, path):
        place = f"{path}, line {reader.line_num}"
        if any(row[name] is None for name in wanted):
            raise UnreadableFile(f"{place} lacks a column.")
        name = row["id"].strip()
        if not name or name in seen:
            raise UnreadableFile(f"{place}: the id {name!r} is empty or stands twice.")
        seen.add(name)
        query = plain_text(row["query"]).casefold()
        if not query:
            raise UnreadableFile(f"{place}: the query is empty.")
        described = plain_text(row["product_description"])
        for listed, text in zip(
            lists, (name, query, plain_text(row["product_title"]), described), strict=True
        ):
            listed.append(text)
        grades.append(_grade(row.get("median_relevance") or "", place, judged))
        variances.append(_variance(row.get("relevance_variance") or "", place))
    return Pairs(
        ids=tuple(lists[0]),
        queries=tuple(lists[1]),
        titles=tuple(lists[2]),
        descriptions=tuple(lists[3]),
        grades=np.array(grades, np.float32),
        variances=np.array(variances, np.float32),
    )


def _grade(text: str, place: str, judged: bool) -> float:
    value = _number(text, place, "median_relevance") if text.strip() else math.nan
    if math.isnan(value) and not judged:
        return value
    if not LEAST_GRADE <= value <= MOST_GRADE:
        raise UnreadableFile(f"{place}: median_relevance is {text!r}, not from 1 to 4.")
    return value


def _variance(text: str, place: str) -> float:
    value = _number(text, place, "relevance_variance") if text.strip() else 0.0
    if not 0 <= value < math.inf:
        raise UnreadableFile(f"{place}: relevance_variance is {text!r}, not from 0.")
    return value


def _number(text: str, place: str, column: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UnreadableFile(f"{place}: {column} is {text!r}, no number.") from None


def plain_text(text: str) -> str:
    """Without tags, entities, control characters and the traces of a wrong encoding."""
    found = html.unescape(_TAGS.sub(" ", html.unescape(text))).replace("\x00", " ")
    return " ".join(_FOREIGN.sub(_repaired, found).split())


def _repaired(found: re.Match[str]) -> str:
    """UTF-8 that somebody read as Windows-1252 (`dÃ©cor`) as it was; other letters as they are."""
    try:
        return found[0].encode("cp1252").decode("utf-8")
    except UnicodeError:
        return found[0]


def products_of(pairs: Pairs) -> tuple[tuple[tuple[str, str], ...], Ints]:
    """The distinct products (title, description), and (P,) int64 the number of each pair's."""
    return numbers_of(list(zip(pairs.titles, pairs.descriptions, strict=True)))


def numbers_of(names: Sequence[Name]) -> tuple[tuple[Name, ...], Ints]:
    """The distinct names in the order of the alphabet, and (N,) int64 the number of each."""
    known = sorted(set(names))
    number = {name: place for place, name in enumerate(known)}
    return tuple(known), np.array([number[name] for name in names], np.int64)
