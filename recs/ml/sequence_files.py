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
    vocabulary = Vocabulary.of([*rows, *(item for _, listed in people for item in listed)])
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


def write_rankings(path: Path, histories: Histories, rankings: Ints, names: Vocabulary) -> None:
    """One line a person: the name, a tab, items with spaces between, best first.

    Args:
        path: replaced when all is written.
        histories: U of them.
        rankings: (U, K) int64 rows; 0 ends a list early.
        names: of the rows.
    """
    staged = path.with_name(f".{path.name}.part")
    with staged.open("w", encoding="utf-8") as file:
        for person, ranked in zip(histories.people, rankings, strict=True):
            file.write(f"{person}\t{' '.join(names.ids(ranked[ranked > 0]))}\n")
    staged.replace(path)


def _read_sequences(path: Path) -> Iterator[tuple[str, list[str]]]:
    seen: set[str] = set()
    for number, line in enumerate(_lines(path), start=1):
        name, *listed = line.split() or [""]
        if not name:
            continue
        if name in seen:
            raise UnreadableFile(f"{path}, line {number}: {name!r} stands twice.")
        seen.add(name)
        yield name, listed


def _read_items(path: Path) -> Iterator[ItemRow]:
    reader = csv.DictReader(_lines(path), delimiter="\t", quoting=csv.QUOTE_NONE)
    if "item_id" not in (reader.fieldnames or ()):
        raise UnreadableFile(f"{path}: the first line has to name a column item_id.")
    for number, row in enumerate(reader, start=2):
        item_id = (row["item_id"] or "").strip()
        if not item_id or len(item_id.split()) > 1:
            raise UnreadableFile(f"{path}, line {number}: {item_id!r} is no item_id.")
        attributes = (row.get("attribute_ids") or "").replace(" ", ",").split(",")
        texts = (row.get("text"), row.get("keywords"))
        yield ItemRow(
            item_id=item_id,
            text=" ".join(text.strip() for text in texts if text and text.strip()),
            attributes=tuple(dict.fromkeys(filter(None, attributes))),
        )


def _lines(path: Path) -> Iterator[str]:
    try:
        with path.open(encoding="utf-8") as file:
            yield from (line.rstrip("\r\n").replace("\x00", "") for line in file)
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"{path} is not UTF-8: {error.reason}.") from None
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be read: {error.strerror}.") from None
