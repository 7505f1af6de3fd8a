"""Names of kinds from what sets their members apart: "French drama, 1960s"."""

import math
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
MAX_CHARACTERS = 80

Feature = tuple[str, str]  # (what it is, its words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What naming reads of one item."""

    title: str
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
    best_known: tuple[int, str] = (-1, "")

    def add(self, facts: Facts, features: Iterable[Feature]) -> None:
        self.size += 1
        self.counts.update(features)
        if facts.people > self.best_known[0]:
            self.best_known = (facts.people, facts.title)

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
    groups: dict[str, _Group] = {}
    for path, facts in members:
        told = features_of(facts)
        codes = path.split(".")
        for depth in range(levels + 1):
            prefix = ".".join(codes[:depth])
            groups.setdefault(prefix, _Group()).add(facts, told)
    names: dict[str, str] = {}
    taken: dict[str, set[str]] = {}
    # The larger of two alike keeps the plain name.
    for prefix in sorted(groups, key=lambda one: (-groups[one].size, one)):
        if prefix:
            parent = prefix.rpartition(".")[0]
            used = taken.setdefault(parent, set())
            names[prefix] = _unlike(_name(groups[prefix], groups[parent]), groups[prefix], used)
            used.add(names[prefix].casefold())
    return names


def features_of(facts: Facts) -> set[Feature]:
    """What an item can be told by."""
    found = {("category", path.rpartition("/")[2]) for path in facts.category_paths}
    found |= {("above", above) for path in facts.category_paths for above in path.split("/")[:-1]}
    found |= {("country", name) for name in demonyms(facts.countries[:1])[:1]}
    found |= {("maker", maker) for maker in facts.creators[:1]}
    if facts.year is not None:
        found.add(("decade", decade(facts.year)))
        for first in (facts.year - 10, facts.year):
            found.add(("decades", f"{decade(first)} and {decade(first + 10)}"))
    return found


def _name(group: _Group, parent: _Group) -> str:
    """The features that say most of the group, as words; "" where none says anything."""
    told = _telling(group, parent)
    makers = [words for _, words in told.get("maker", []) if _is_theirs(group, words)]
    if makers:
        return makers[0]
    country = [words for _, words in told.get("country", [])[:1]]
    years = [words for _, words in (told.get("decade") or told.get("decades") or [])[:1]]
    thing = " and ".join(_kinds(told.get("category") or told.get("above") or []))
    first = " ".join([*country, thing.lower() if country else thing]).strip()
    return ", ".join(part for part in (first, *years) if part)[:MAX_CHARACTERS]


def _telling(group: _Group, parent: _Group) -> Mapping[str, list[tuple[float, str]]]:
    """How much it says (share times the log of the lift) and its words, by what it is."""
    scored = []
    for feature in group.counts:
        share, usual = group.share(feature), parent.share(feature)
        least = DECADE_SHARE if feature[0].startswith("decade") else LEAST_SHARE
        if share >= least and share >= LEAST_LIFT * usual:
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
    return [first, *others[:1]]


def _unlike(name: str, group: _Group, used: set[str]) -> str:
    """The name, told apart from those that are used by the best known member, then by a number."""
    title = group.best_known[1]
    like = f"Like {title}" if not name else f"{name}: like {title}"
    for wanted in (name, like[: MAX_CHARACTERS + 60]):
        if wanted and wanted.casefold() not in used:
            return wanted
    number = 2
    while f"{like} ({number})".casefold() in used:
        number += 1
    return f"{like} ({number})"
