"""A text as numbers: what others did at it, what the store says, its form; and how it was typed.

The first three groups are of the text alone. `TIMING` is of the moment it was logged; `AFTERWARDS`
looks at what came later and is for comparison alone.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recs.ml.finished.chains import Visit
from recs.ml.finished.prefix_trie import PrefixTrie, Seen

Floats = npt.NDArray[np.float64]

TRIE = (
    "people passing", "people logged", "share ended", "share stopped", "next letters",
    "next letter entropy", "commonest next letter", "next is a space", "best longer end",
    "ended against longer", "share of parent", "share of word", "longer ends",
)  # fmt: skip
STORE = (
    "last word is known", "items of last word", "longer words", "share of last word",
    "is a known text", "longer known texts", "hits",
)  # fmt: skip
FORM = ("letters", "words", "letters of last word")
TIMING = ("seconds before", "letters since", "seconds a letter")
AFTERWARDS = ("seconds after",)
TEXT = (*TRIE, *STORE, *FORM)
# Nobody was seen again: longer than any pause.
NEVER_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class Store:
    """What the catalog says. `words`: items by word, in order; `known`: texts, in order."""

    words: Sequence[str]
    items: Sequence[int]
    known: Sequence[str]

    @classmethod
    def of(cls, words: Mapping[str, int], known: Iterable[str]) -> "Store":
        """Of words with how many items hold each, and normalized titles and queries."""
        order = sorted(words)
        return cls(order, [words[word] for word in order], sorted(set(known)))


def table(
    asked: Iterable[Visit], trie: PrefixTrie, store: Store, names: Sequence[str] = TEXT
) -> Floats:
    """(V, F) features of visits; what a visit's own viewer did is left out of the trie.

    Args:
        asked: V visits.
        trie: of a window that may, but need not, hold them.
        store: what the catalog says.
        names: F of TRIE, STORE, FORM, TIMING, AFTERWARDS.
    """
    rows = [_row(visit, trie, store) for visit in asked]
    return np.array([[row[name] for name in names] for row in rows], np.float64).reshape(
        len(rows), len(names)
    )


def _row(visit: Visit, trie: PrefixTrie, store: Store) -> dict[str, float]:
    seen = trie.at(visit.text, without=visit.viewer)
    return {
        **_of_trie(seen),
        **_of_store(visit, store),
        **_of_form(visit.text),
        **_of_timing(visit),
    }


def _of_trie(seen: Seen) -> dict[str, float]:
    onward = sum(seen.next_letters)
    largest = max(seen.next_letters, default=0)
    values = (
        math.log1p(seen.passed),
        math.log1p(seen.logged),
        _share(seen.ended, seen.passed),
        _share(seen.stopped, seen.passed),
        math.log1p(sum(1 for count in seen.next_letters if count)),
        seen.entropy,
        _share(largest, onward),
        _share(seen.next_space, onward),
        _share(seen.rival, seen.passed),
        math.log((seen.ended + 0.5) / (seen.rival + 0.5)),
        _share(seen.passed, seen.parent),
        _share(seen.passed, seen.word_start),
        math.log1p(seen.endings),
    )
    return dict(zip(TRIE, values, strict=True))


def _of_store(visit: Visit, store: Store) -> dict[str, float]:
    word = visit.text.rpartition(" ")[2]
    first, last = _beginning_with(word, store.words)
    is_known = first < last and store.words[first] == word
    items = store.items[first] if is_known else 0
    start, end = _beginning_with(visit.text, store.known)
    is_text = start < end and store.known[start] == visit.text
    values = (
        float(is_known),
        math.log1p(items),
        math.log1p(last - first - is_known),
        _share(items, sum(store.items[first:last])),
        float(is_text),
        math.log1p(end - start - is_text),
        math.log1p(visit.total),
    )
    return dict(zip(STORE, values, strict=True))


def _of_form(text: str) -> dict[str, float]:
    values = (len(text), text.count(" ") + 1, len(text.rpartition(" ")[2]))
    return dict(zip(FORM, map(float, values), strict=True))


def _of_timing(visit: Visit) -> dict[str, float]:
    before = NEVER_SECONDS if visit.before is None else max(visit.before, 0.0)
    after = NEVER_SECONDS if visit.after is None else max(visit.after, 0.0)
    a_letter = before / max(1, abs(visit.typed))
    values = (math.log1p(before), float(visit.typed), math.log1p(a_letter), math.log1p(after))
    return dict(zip((*TIMING, *AFTERWARDS), values, strict=True))


def _share(part: float, whole: float) -> float:
    """Drawn towards a half where few were counted."""
    return (part + 0.5) / (whole + 1.0)


def _beginning_with(text: str, ordered: Sequence[str]) -> tuple[int, int]:
    """First place and the one behind the last of what begins with the text."""
    return bisect_left(ordered, text), bisect_left(ordered, text + "\U0010ffff")
