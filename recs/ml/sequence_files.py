"""The benchmark's files: sequences of items, and what is known of the items.

Sequences: one person a line, a name and then items in order of time, separated by spaces. Items: a
table with tabs and a header; `item_id`, and where there are any `text`, `keywords`,
`attribute_ids` (numbers with commas between). Further columns are passed over.
"""

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from recs.ml.histories import Histories
from recs.ml.item_content import Attributes, ItemContent
from recs.ml.vocabulary import Vocabulary

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

# A target, one to validate on, and at least one to learn from: others are not scored.
LEAST_EVENTS = 3
csv.field_size_limit(2**27)


class UnreadableFile(ValueError):
    """A file of the benchmark is not of the format; the text says where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRow:
    """One line of the items."""

    item_id: str
    text: str
    attributes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceFiles:
    """Everything in both files.

    `histories`: of those with at least three events, in order. `rows`: of the items, in the order
    of the vocabulary; an item that only the sequences name has an empty one.
    """

    vocabulary: Vocabulary
    histories: Histories
    rows: tuple[ItemRow, ...]

    def content(self, encode: Callable[[Sequence[str]], Floats]) -> ItemContent:
        """What is known of the items.

        Args:
            encode: texts to vectors (T, D) float32.
        """
        size = len(self.vocabulary)
        texts = [row.text for row in self.rows]
        filled = [place for place, text in enumerate(texts) if text]
        vectors: dict[str, Floats] = {}
        if filled:
            found = encode([texts[place] for place in filled])
            table = np.zeros((size + 1, found.shape[1]), np.float32)
            table[np.array(filled) + 1] = found
            vectors["text"] = table
        # The order of the names decides nothing: each is a column of its own.
        names = sorted({name for row in self.rows for name in row.attributes})
        number = {name: place for place, name in enumerate(names)}
        lists = [[], *([number[name] for name in row.attributes] for row in self.rows)]
        return ItemContent(
            item_count=size, vectors=vectors, attributes=Attributes.of_lists(lists, len(names))
        )


def read_sequence_files(sequences: Path, items: Path | None) -> SequenceFiles:
    """Both files.

    Args:
        sequences: see the module.
        items: see the module; None where nothing is known of the items.

    Raises:
        UnreadableFile: for a file that is missing or not of the format.
    """
    people = list(_read_sequences(sequences))
    rows = {row.item_id: row for row in (_read_items(items) if items else ())}
    # Last items come last: which of them is whose must not move the rows of others.
    heads = [item for _, listed in people for item in listed[:-1]]
    lasts = [item for _, listed in people for item in listed[-1:]]
    vocabulary = Vocabulary.of([*rows, *heads, *lasts])
    if not len(vocabulary):
        raise UnreadableFile(f"{sequences}: there is no item in it.")
    scored = [(name, listed) for name, listed in people if len(listed) >= LEAST_EVENTS]
    histories = Histories.of_lists(
        [vocabulary.rows(listed).tolist() for _, listed in scored], [name for name, _ in scored]
    )
    empty = ItemRow(item_id="", text="", attributes=())
    return SequenceFiles(
        vocabulary=vocabulary,
        histories=histories,
        rows=tuple(rows.get(item_id, empty) for item_id in vocabulary.item_ids),
    )


def check_writable(path: Path) -> None:
    """Refuse a place for rankings before hours are spent on them.

    Raises:
        OSError: where no file can be written there; the text says why.
    """
    if not path.absolute().parent.is_dir():
        raise FileNotFoundError(f"There is no folder {path.absolute().parent}; make it first.")
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; name a file in it.")
    with _staged(path).open("w", encoding="utf-8"):
        pass
    _staged(path).unlink()


def write_rankings(path: Path, histories: Histories, rankings: Ints, names: Vocabulary) -> None:
    """One line a person: the name, a tab, items with spaces between, best first.

    Args:
        path: replaced when all is written.
        histories: U of them.
        rankings: (U, K) int64 rows; 0 ends a list early.
        names: of the rows.
    """
    staged = _staged(path)
    with staged.open("w", encoding="utf-8") as file:
        for person, ranked in zip(histories.people, rankings, strict=True):
            file.write(f"{person}\t{' '.join(names.ids(ranked[ranked > 0]))}\n")
    staged.replace(path)


def _staged(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")


def _read_sequences(path: Path) -> Iterator[tuple[str, list[str]]]:
    seen: set[str] = set()
    for number, line in enumerate(read_lines(path), start=1):
        name, *listed = line.split() or [""]
        if not name:
            continue
        if name in seen:
            raise UnreadableFile(
                f"{path}, line {number}: {name!r} stands twice; give each person one line."
            )
        seen.add(name)
        yield name, listed


def _read_items(path: Path) -> Iterator[ItemRow]:
    # Spreadsheets put a mark before the first column's name.
    lines = read_lines(path, encoding="utf-8-sig")
    reader = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    if "item_id" not in (reader.fieldnames or ()):
        raise UnreadableFile(f"{path}: the first line has to name a column item_id.")
    for row in read_rows(reader, path):
        item_id = (row["item_id"] or "").strip()
        if not item_id or len(item_id.split()) > 1:
            raise UnreadableFile(f"{path}, line {reader.line_num}: {item_id!r} is no item_id.")
        attributes = (row.get("attribute_ids") or "").replace(" ", ",").split(",")
        texts = (row.get("text"), row.get("keywords"))
        yield ItemRow(
            item_id=item_id,
            text=" ".join(text.strip() for text in texts if text and text.strip()),
            attributes=tuple(dict.fromkeys(filter(None, attributes))),
        )


def read_rows(reader: "csv.DictReader[str]", path: Path) -> Iterator[dict[str, str]]:
    """Rows of a table.

    Raises:
        UnreadableFile: where a line is none of a table.
    """
    try:
        yield from reader
    except csv.Error as error:
        raise UnreadableFile(f"{path}, line {reader.line_num + 1}: {error}.") from None


def read_lines(path: Path, encoding: str = "utf-8") -> Iterator[str]:
    """Lines of a text without their ends.

    Raises:
        UnreadableFile: where the file is missing or no text.
    """
    try:
        with path.open(encoding=encoding) as file:
            for number, line in enumerate(file, start=1):
                if "\x00" in line:
                    raise UnreadableFile(f"{path}, line {number} has a NUL: save it as plain text.")
                yield line.rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"{path} is not UTF-8 ({error.reason}): save it as UTF-8.") from None
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be read: {error.strerror}.") from None
