"""The catalog's words: counted into Term, and held in memory for correcting typing errors."""

import threading
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from django.db import connection, transaction
from django.db.models import Max

from catalog.models import Item
from catalog.progress import NO_PROGRESS, Progress
from search.models import Term
from search.text import normalize_query

# The commonest words of a catalog of any size: some 100 bytes each in every web process.
MAX_WORDS = 200_000
MAX_WORD_CHARACTERS = 80

# The letters of each word as bits; some share one, which only lets a few words more through.
Letters = npt.NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Words and the number of items that hold them, as of one build."""

    version: int
    items: Mapping[str, int]
    by_length: Mapping[int, tuple[Sequence[str], Letters]]

    def near(self, typed: str, edits: int) -> list[str]:
        """The words that so many edits might make of the typed one, and few others.

        Lengths differ by an edit each, and an edit brings in one letter and takes out one: that
        leaves a hundredth of the words to be compared letter by letter.
        """
        (mine,) = _letters([typed])
        found: list[str] = []
        for length in range(len(typed) - edits, len(typed) + edits + 1):
            words, letters = self.by_length.get(length, ((), _NO_LETTERS))
            missing, added = np.bitwise_count(mine & ~letters), np.bitwise_count(letters & ~mine)
            places = np.flatnonzero((missing <= edits) & (added <= edits))
            found += [words[place] for place in places.tolist()]
        return found


_NO_LETTERS: Letters = np.zeros(0, dtype=np.uint32)
_EMPTY = Vocabulary(version=0, items={}, by_length={})
_lock = threading.Lock()
_loaded = _EMPTY


def vocabulary() -> Vocabulary:
    """The words of the latest build; one cheap statement tells whether there is a newer one."""
    global _loaded
    version = Term.objects.aggregate(latest=Max("id"))["latest"] or 0
    if version != _loaded.version:
        with _lock:
            if version != _loaded.version:
                _loaded = _load(version)
    return _loaded


def build_terms(*, progress: Progress = NO_PROGRESS) -> int:
    """Fill Term with the words of all visible items, in one transaction; how many words."""
    counts = _count_words(progress)
    table = Term._meta.db_table
    with transaction.atomic(), connection.cursor() as cursor:
        # Readers go on with the old words until this commits; two builders wait for each other.
        cursor.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute(f"DELETE FROM {table}")  # noqa: S608  table name only
        with cursor.copy(f"COPY {table} (word, items) FROM STDIN") as copy:
            for row in counts.items():
                copy.write_row(row)
    return len(counts)


def _load(version: int) -> Vocabulary:
    rows = Term.objects.order_by("-items", "id").values_list("word", "items")[:MAX_WORDS]
    items = dict(rows.iterator(chunk_size=5000))
    by_length: dict[int, list[str]] = defaultdict(list)
    for word in items:
        by_length[len(word)].append(word)
    lettered = {length: (words, _letters(words)) for length, words in by_length.items()}
    return Vocabulary(version=version, items=items, by_length=lettered)


def _letters(words: Sequence[str]) -> Letters:
    """The letters of words of one length."""
    codes = np.frombuffer("".join(words).encode("utf-32-le"), dtype=np.uint32)
    bits = np.left_shift(np.uint32(1), codes & np.uint32(31))
    letters: Letters = np.bitwise_or.reduce(bits.reshape(len(words), -1), axis=1)
    return letters


def _count_words(progress: Progress) -> Counter[str]:
    items = Item.objects.visible()
    progress.set_total(items.count())
    counts: Counter[str] = Counter()
    rows = items.values_list("title", "creators", "keywords").iterator(chunk_size=2000)
    for title, creators, keywords in rows:
        # In pieces, because normalize_query() cuts long texts.
        words: set[str] = set()
        for text in (title, *creators, *_pieces(keywords)):
            words.update(normalize_query(text).split())
        counts.update(word for word in words if 1 < len(word) <= MAX_WORD_CHARACTERS)
        progress.advance(1)
    return counts


def _pieces(text: str, size: int = 20) -> Iterator[str]:
    words = text.split()
    for start in range(0, len(words), size):
        yield " ".join(words[start : start + size])
