"""What a query names, read off what its hits share: "french" means France when the hits are."""

from collections.abc import Iterable, Sequence

from catalog.demonyms import DEMONYMS
from search.query_candidates import HitFacts
from search.query_sources.base import split_anchor
from search.query_words import covers, holds, words_of
from search.text import normalize_query

PEOPLE = ("creator", "name")
# A word is explained by what it means of itself before it is taken for somebody's surname.
PLAIN_KINDS = ("decade", "country", "category")


def said_anchors(
    words: Sequence[str], facts: HitFacts
) -> tuple[frozenset[str], tuple[str, ...]]:
    """The anchors of the hits that the words name, and the words that none of them explains."""
    said: set[str] = set()
    left = list(words)
    for kind in (*PLAIN_KINDS, *PEOPLE):
        of_kind = [name for name in facts.holders if split_anchor(name)[0] == kind]
        of_kind.sort(key=lambda name: (-len(facts.holders[name]), name))
        # People one by one, best first: each word names one of the several who bear the surname.
        available = left if kind in PEOPLE else list(words)
        explained: list[str] = []
        for name in of_kind:
            spent = explained if kind in PEOPLE else []
            used = _used(kind, split_anchor(name)[1], [w for w in available if w not in spent])
            if used:
                said.add(name)
                explained += used
        left = [word for word in left if word not in explained]
    return frozenset(said), tuple(left)


def same_person(anchors: Iterable[str]) -> frozenset[str]:
    """Anchors with a person being one, as creator or under another name; titles stay out."""
    return frozenset(
        f"person:{split_anchor(name)[1]}" if split_anchor(name)[0] in PEOPLE else name
        for name in anchors
    )


def _used(kind: str, value: str, words: Sequence[str]) -> list[str]:
    """The words among these that name the value; none where they do not."""
    for wording in _wordings(kind, value):
        label = words_of(normalize_query(wording))
        if label and covers(words, label):
            return [word for word in words if holds(label, word)]
    if kind in PEOPLE:
        surname = words_of(normalize_query(value))[-1:]
        return [word for word in words if len(word) > 3 and holds(surname, word)]
    return []


def _wordings(kind: str, value: str) -> list[str]:
    if kind == "country":
        return [value, *DEMONYMS.get(value.casefold(), ())]
    if kind == "category":
        return [value.rpartition("/")[2]]
    if kind == "decade":
        return [value, value[2:]] if len(value) == 5 else [value]
    return [value]
