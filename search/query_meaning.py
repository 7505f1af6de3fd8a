"""What a query names, read off what its hits share: "french" means France when the hits are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from catalog.category_names import category_label
from catalog.demonyms import DEMONYMS
from search.query_candidates import HitFacts
from search.query_sources.base import split_anchor
from search.query_words import covers, holds, words_of
from search.text import normalize_query

PEOPLE = ("creator", "name")
# A word is explained by what it means of itself before it is taken for somebody's surname.
PLAIN_KINDS = ("decade", "country", "category")


# A surname alone names somebody only where that many of the hits are theirs.
LEAST_SHARE_OF_SURNAME = 0.3


@dataclass(frozen=True, slots=True)
class Said:
    """What a query names: the anchors, and the anchor behind each word that has one."""

    anchors: frozenset[str]
    explained: dict[str, str]


def said_anchors(words: Sequence[str], facts: HitFacts) -> Said:
    """The anchors of the hits that the words name."""
    explained: dict[str, str] = {}
    said: set[str] = set()
    by_kind: dict[str, list[str]] = {}
    for name in sorted(facts.holders, key=lambda name: (-len(facts.holders[name]), name)):
        by_kind.setdefault(split_anchor(name)[0], []).append(name)
    for kind in PLAIN_KINDS:
        for name in by_kind.get(kind, []):
            if used := _used(_wordings(kind, split_anchor(name)[1]), words):
                said.add(name)
                explained.update(dict.fromkeys(used, name))
    for name in (name for kind in PEOPLE for name in by_kind.get(kind, [])):
        # Each word names one person, the one with the most hits of those who bear the name.
        if left := [word for word in words if word not in explained]:
            used = _person(name, left, share=facts.share([name]))
            said.update([name] if used else [])
            explained.update(dict.fromkeys(used, name))
    return Said(frozenset(said), explained)


def same_person(anchors: Iterable[str]) -> frozenset[str]:
    """Anchors with a person being one, as creator or under another name; titles stay out."""
    return frozenset(
        f"person:{split_anchor(name)[1]}" if split_anchor(name)[0] in PEOPLE else name
        for name in anchors
    )


def _used(wordings: Iterable[str], words: Sequence[str]) -> list[str]:
    """The words among these that say one of the wordings in full; none where they do not."""
    for wording in wordings:
        label = words_of(normalize_query(wording))
        if label and len(label) <= len(words) and covers(words, label):
            return [word for word in words if holds(label, word)]
    return []


def _person(name: str, words: Sequence[str], *, share: float) -> list[str]:
    value = split_anchor(name)[1]
    used = _used([value], words)
    if used or share < LEAST_SHARE_OF_SURNAME:
        return used
    surname = words_of(normalize_query(value))[-1:]
    return [word for word in words if len(word) > 3 and holds(surname, word)]


def _wordings(kind: str, value: str) -> list[str]:
    if kind == "country":
        return [value, *DEMONYMS.get(value.casefold(), ())]
    if kind == "category":
        return list(dict.fromkeys([category_label(value), value.rpartition("/")[2]]))
    if kind == "decade":
        return [value, value[2:]] if len(value) == 5 else [value]
    return [value]
