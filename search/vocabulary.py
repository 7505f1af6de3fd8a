"""The words of the catalog and of what was asked, in Term, and held in memory for corrections."""

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from django.db import connection, transaction

from catalog.models import Item
from catalog.progress import NO_PROGRESS, Progress
from catalog.scope import PerCatalog
from search.models import Query, SpellingPair, Term
from search.text import normalize_query
from search.word_index import WordIndex

# The commonest words of a catalog of any size: some 100 bytes each in every web process.
MAX_WORDS = 200_000
MAX_WORD_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Words and the number of items that hold them, as of one build.

    `pairs`: what mistyped words stand for, as somebody approved; `pairs_version` is another one
    whenever these change.
    """

    version: int
    items: Mapping[str, int]
    index: WordIndex
    pairs: Mapping[str, str] = field(default_factory=dict)
    pairs_version: tuple[int, int] = (0, 0)


_EMPTY = Vocabulary(version=0, items={}, index=WordIndex.of(()))
_VERSIONS = """
    SELECT (SELECT coalesce(max(id), 0) FROM search_term), count(*), coalesce(max(id), 0)
    FROM search_spellingpair"""
_lock = threading.Lock()
_loaded = PerCatalog(lambda: _EMPTY)


def vocabulary() -> Vocabulary:
    """The words of the latest build; one cheap statement tells whether anything is newer."""
    with connection.cursor() as cursor:
        cursor.execute(_VERSIONS)
        version, *pairs = cursor.fetchone()
    wanted = (version, tuple(pairs))
    if wanted != (_loaded.value.version, _loaded.value.pairs_version):
        with _lock:
            held = _loaded.value
            if version != held.version:
                held = _load(version)
            if wanted[1] != held.pairs_version:
                known = dict(SpellingPair.objects.values_list("typed", "meant"))
                held = replace(held, pairs=known, pairs_version=wanted[1])
            _loaded.value = held
    return _loaded.value


def build_terms(*, progress: Progress = NO_PROGRESS) -> int:
    """Fill Term with the words of visible items and of asked queries, in one transaction.

    Returns:
        How many words.
    """
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
    return Vocabulary(version=version, items=items, index=WordIndex.of(tuple(items)))


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
    for word in _asked_words():
        counts[word] = max(counts[word], 1)
    return counts


def _asked_words() -> set[str]:
    """Words of what several people asked and found something for: no errors, whatever they are."""
    asked = Query.objects.filter(
        source=Query.Source.LOG, review=Query.Review.APPROVED, answers__gt=0
    ).exclude(held_back=Query.HeldBack.NOTHING)
    words = {word for text in asked.values_list("normalized", flat=True) for word in text.split()}
    return {word for word in words if 1 < len(word) <= MAX_WORD_CHARACTERS}


def _pieces(text: str, size: int = 20) -> Iterator[str]:
    words = text.split()
    for start in range(0, len(words), size):
        yield " ".join(words[start : start + size])
