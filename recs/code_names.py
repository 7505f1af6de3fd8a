"""Names of kinds from what sets their members apart: "French drama, 1960s: love, village"."""

import math
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from catalog.derive import decade, demonyms

# A name says what holds for at least this share of the members,
LEAST_SHARE = 0.4
# and for them so much more often than for those they are told apart from;
LEAST_LIFT = 1.25
# a decade, or two in a row, must hold for more of them,
DECADE_SHARE = 0.6
# and a second category is named where it says at least so much as a share of the first.
SECOND_SAYS = 0.6
# Of a maker it is said only where the kind is nearly all theirs.
MAKER_SHARE = 0.6
# A word of the descriptions says something where a part of the members has it, and few others.
WORD_SHARE = 0.1
WORD_LIFT = 2.5
WORDS = 2
# Written small: names of people and places are not what a kind is about.
WORD = re.compile(r"(?<![\w'-])[^\W\d_A-Z]{4,}(?![\w'-])")
STEM = 4
# Long enough to be read, and about nothing.
_EMPTY = """
    about after against also another based been before being between both come comes during each
    ever every film films find finds first from gets goes have having here into items just known
    later like made make makes many more most movie much must never only other over product same
    short some such take takes than that their them then there these they this those through under
    until upon very want wants were what when where which while whose will with without year years
    your
"""
EMPTY_WORDS = frozenset(_EMPTY.split())
TYPICAL_FEATURES = 8
MAX_CHARACTERS = 120

Feature = tuple[str, str]  # (what it is, its words)
Telling = Mapping[str, list[tuple[float, str]]]  # (how much it says, words) by what it is


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What naming reads of one item."""

    title: str
    description: str = ""
    category_paths: Sequence[str] = ()
    countries: Sequence[str] = ()
    creators: Sequence[str] = ()
    year: int | None = None
    # How many people wanted it: the best known member stands for a kind that has no name.
    people: int = 0


@dataclass(slots=True)
class _Group:
    """Members of a kind and how many have each feature."""

    size: int = 0
    counts: Counter[Feature] = field(default_factory=Counter)
    # What it is told by, and the member that has most of it and is best known.
    told: frozenset[Feature] = frozenset()
    typical: tuple[float, str] = (-1.0, "")

    def add(self, features: Iterable[Feature]) -> None:
        self.size += 1
        self.counts.update(features)

    def look_at(self, facts: Facts, features: set[Feature]) -> None:
        says = (0.1 + len(self.told & features)) * math.log(2 + facts.people)
        if says > self.typical[0]:
            self.typical = (says, facts.title)

    def share(self, feature: Feature) -> float:
        return self.counts[feature] / max(self.size, 1)


def derive_names(members: Sequence[tuple[str, Facts]], *, levels: int) -> dict[str, str]:
    """A name for each prefix of up to so many codes.

    A kind of the first level is told apart from the whole catalog, one below from the kind that
    it is part of. Two kinds of one parent never have the same name.

    Args:
        members: (path, facts) of each item, a path such as "012.200.007"; in an order that is the
            same each time.
        levels: how deep to name.

    Returns:
        Names by prefix, such as {"012": "French drama, 1960s", "012.200": "Crime"}.
    """
    groups = _groups(members, levels)
    telling = {p: _telling(groups[p], groups[_above(p)]) for p in groups if p}
    _find_typical(members, groups, telling)
    names: dict[str, str] = {}
    taken: dict[str, set[str]] = {}
    # The larger of two alike keeps the plain name.
    for prefix in sorted(telling, key=lambda one: (-groups[one].size, one)):
        used = taken.setdefault(_above(prefix), set())
        name = _name(groups[prefix], telling[prefix])
        names[prefix] = _unlike(name, groups[prefix].typical[1], used)
        used.add(names[prefix].casefold())
    return names


def features_of(facts: Facts) -> set[Feature]:
    """What an item can be told by."""
    found = {("category", path.rpartition("/")[2]) for path in facts.category_paths}
    found |= {("above", above) for path in facts.category_paths for above in path.split("/")[:-1]}
    found |= {("country", name) for name in demonyms(facts.countries[:1])[:1]}
    found |= {("maker", maker) for maker in facts.creators[:1]}
    # Said in passing where it does not hold for enough of them to be the name.
    categories = {words.casefold() for what, words in found if what == "category"}
    found |= {("word", words) for words in categories}
    parts = {part for words in categories for part in words.split()}
    words = set(WORD.findall(facts.description)) - parts - EMPTY_WORDS
    found |= {("word", sys.intern(word)) for word in words}
    if facts.year is not None:
        found.add(("decade", decade(facts.year)))
        for first in (facts.year - 10, facts.year):
            found.add(("decades", f"{decade(first)} and {decade(first + 10)}"))
    return found


def _groups(members: Sequence[tuple[str, Facts]], levels: int) -> dict[str, _Group]:
    """What the members of each prefix have; "" holds all."""
    groups: dict[str, _Group] = {}
    for path, facts in members:
        features = features_of(facts)
        for prefix in _prefixes(path, levels):
            groups.setdefault(prefix, _Group()).add(features)
    return groups


def _find_typical(
    members: Sequence[tuple[str, Facts]],
    groups: Mapping[str, _Group],
    telling: Mapping[str, Telling],
) -> None:
    """Let each kind find the member that stands for it."""
    for prefix, told in telling.items():
        most = sorted(((says, what, words) for what in told for says, words in told[what]))
        groups[prefix].told = frozenset(
            (what, words) for _, what, words in most[-TYPICAL_FEATURES:]
        )
    depth = max((prefix.count(".") + 1 for prefix in telling), default=0)
    for path, facts in members:
        features = features_of(facts)
        for prefix in _prefixes(path, depth)[1:]:
            groups[prefix].look_at(facts, features)


def _prefixes(path: str, levels: int) -> list[str]:
    codes = path.split(".")
    return [".".join(codes[:depth]) for depth in range(min(levels, len(codes)) + 1)]


def _above(prefix: str) -> str:
    return prefix.rpartition(".")[0]


def _name(group: _Group, told: Telling) -> str:
    """The features that say most of the group, as words; "" where none says anything."""
    makers = [words for _, words in told.get("maker", []) if _is_theirs(group, words)]
    if makers:
        return makers[0]
    country = [words for _, words in told.get("country", [])[:1]]
    years = [words for _, words in (told.get("decade") or told.get("decades") or [])[:1]]
    thing = " and ".join(_kinds(told.get("category") or told.get("above") or []))
    first = " ".join([*country, thing.lower() if country else thing]).strip()
    base = ", ".join(part for part in (first, *years) if part)
    about = ", ".join(_words(told.get("word", []), base))
    if not base:
        return about[:1].upper() + about[1:]
    return f"{base}: {about}" if about else base


def _telling(group: _Group, parent: _Group) -> Telling:
    """How much it says (share times the log of the lift) and its words, by what it is."""
    scored = []
    for feature, count in group.counts.items():
        share, usual = group.share(feature), parent.share(feature)
        least, lift = LEAST_SHARE, LEAST_LIFT
        if feature[0] == "word":
            # One member less: what a single one has says nothing of a kind.
            share, least, lift = (count - 1) / group.size, WORD_SHARE, WORD_LIFT
        elif feature[0].startswith("decade"):
            least = DECADE_SHARE
        if share >= least and share >= lift * usual:
            scored.append((share * math.log(share / usual), feature))
    found: dict[str, list[tuple[float, str]]] = {}
    for says, (what, words) in sorted(scored, key=lambda one: (-one[0], one[1])):
        found.setdefault(what, []).append((says, words))
    return found


def _is_theirs(group: _Group, maker: str) -> bool:
    return group.size > 1 and group.share(("maker", maker)) >= MAKER_SHARE


def _kinds(categories: Sequence[tuple[float, str]]) -> list[str]:
    """The category that says most, and a second one that says about as much and is another."""
    if not categories:
        return []
    most, first = categories[0]
    others = [words for says, words in categories[1:] if says >= SECOND_SAYS * most]
    # "Tops" beside "Tanks & Tops" says it again.
    lower = first.casefold()
    others = [o for o in others if o.casefold() not in lower and lower not in o.casefold()]
    return [first, *(words if words.isupper() else words.lower() for words in others[:1])]


def _words(words: Sequence[tuple[float, str]], base: str) -> list[str]:
    """The words that say most, none that says what the base or another one says."""
    chosen: list[str] = []
    stems = {word[:STEM] for word in re.findall(r"\w+", base.casefold())}
    for _, word in words:
        if word[:STEM] not in stems and len(chosen) < WORDS:
            chosen.append(word)
            stems.add(word[:STEM])
    return chosen


def _unlike(name: str, typical: str, used: set[str]) -> str:
    """The name, told apart from those that are used by its typical member, then by a number."""
    like = f"{name}, like {typical}" if name else f"Like {typical}"
    for wanted in (name, like[:MAX_CHARACTERS]):
        if wanted and wanted.casefold() not in used:
            return wanted
    number = 2
    while f"{like[:MAX_CHARACTERS]} ({number})".casefold() in used:
        number += 1
    return f"{like[:MAX_CHARACTERS]} ({number})"
