"""The way a recommended query leads, and a list in which the ways are mixed.

narrower, broader, new (to everybody), category (one that few of the hits have), angle (sideways).
First the best of each way, if it is worth ONE_OF_EACH of the best; then one after another the best
is taken, its score lowered by up to half for what it repeats of those already taken: at most
MAX_OF_RULE of one rule and of all rules with a decade or a country (one of those in ONCE), and at
most MAX_OF_ANGLE of one way while others are left.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone

from catalog.derive import decade
from search.cold_share import lot_of
from search.query_candidates import Candidate
from search.query_scoring import Asked, Scored
from search.query_sources.base import anchor, split_anchor
from search.query_words import covers, overlap, same_words

WAYS = ("narrower", "broader", "angle", "category", "new", "recent")
# Three decades in a row are one thing to explore, not three.
MAX_OF_RULE = 2
MAX_OF_ANGLE = 3
FRAMES = ("decade", "country")
# And a second likeness or a second bare genre adds little to the first.
ONCE = ("like", "category")
# How many of the best are checked and compared with one another, and how many of one rule: the
# facts that every hit has would leave no place for makers, lists and likenesses.
CHECKED = 32
CHECKED_OF_RULE = 6
CHECKED_NEW = 3
ONE_OF_EACH = 0.7
# A category that fewer of the hits have is another one than what was asked for.
FEW_OF_CATEGORY = 1 / 3


def angle_of(asked: Asked, scored: Scored) -> str:
    """The way it leads from what was asked."""
    is_within = bool(scored.persons) and scored.persons <= asked.persons
    adds_to_what_was_said = (
        bool(asked.persons) and scored.persons > asked.persons and not asked.unexplained
    )
    holds = (
        ("narrower", scored.keeps_all),
        ("new", scored.is_of_new or _is_new(asked, scored.candidate)),
        ("broader", is_within or covers(asked.words, scored.words)),
        ("narrower", adds_to_what_was_said),
        ("category", _is_of_another_category(asked, scored.candidate)),
    )
    return next((way for way, is_so in holds if is_so), "angle")


def categories(names: Sequence[str]) -> list[str]:
    """The categories among anchors."""
    return [name for name in names if split_anchor(name)[0] == "category"]


def _is_of_another_category(asked: Asked, candidate: Candidate) -> bool:
    """It names a category, and one that few of the hits have."""
    named = categories(candidate.anchors)
    return bool(named) and any(
        name not in asked.said and asked.facts.share([name]) < FEW_OF_CATEGORY for name in named
    )


def _is_new(asked: Asked, candidate: Candidate) -> bool:
    latest = anchor("decade", decade(timezone.now().year))
    return candidate.is_fresh or (latest in candidate.anchors and latest not in asked.said)


def best_of_each_rule(
    scored: Sequence[Scored], worth: Sequence[float], new: Sequence[int] = ()
) -> list[int]:
    """Places of those that are looked at more closely, best first; `worth` of each.

    `new`: of those of new categories the ones that are, whatever they are worth; they come last.
    """
    kept: list[int] = []
    rules: Counter[str] = Counter()
    order = sorted(range(len(scored)), key=lambda n: (-worth[n], scored[n].candidate.normalized))
    for place in order:
        if scored[place].is_of_new:
            continue
        rule = scored[place].candidate.rule
        rules[rule] += 1
        if rules[rule] <= CHECKED_OF_RULE:
            kept.append(place)
    return kept[: CHECKED - len(new)] + list(new)


def best_of_new(
    asked: Asked, scored: Sequence[Scored], leads: Sequence[float] | None, *lot: str
) -> list[int]:
    """Places of a few queries of new categories: those first that speak of what was asked too.

    Then those whose first hits are something to who asks (`leads`, search.query_taste), and whose
    other words many of the hits have; what is equal comes by lot, so that a new category is entered
    at many doors.
    """

    def order(place: int) -> tuple[int, float, float, float]:
        candidate = scored[place].candidate
        beside = [name for name in candidate.anchors if name not in asked.facts.new]
        said = len(asked.said.intersection(beside))
        lead = round(leads[place], 1) if leads else 0.0
        near = round(asked.facts.share(beside), 1)
        return -said, -lead, -near, lot_of(*lot, *asked.words, candidate.normalized)

    return sorted((n for n, each in enumerate(scored) if each.is_of_new), key=order)[:CHECKED_NEW]


@dataclass(frozen=True, slots=True)
class Way:
    """A candidate, what it is worth to who orders, and the way it leads."""

    scored: Scored
    worth: float
    angle: str


def diversify(ways: Sequence[Way], k: int) -> list[int]:
    """Places of the best `k` that repeat one another least, ways mixed."""
    chosen: list[int] = []
    rules: Counter[str] = Counter()
    angles: Counter[str] = Counter()
    least = ONE_OF_EACH * max((way.worth for way in ways), default=0.0)
    for most, floor in ((1, least), (MAX_OF_ANGLE, 0.0), (k, 0.0)):
        # What each would be worth now: only ever lowered, by what has just been chosen.
        worth = {
            n: way.worth * _novelty(way.scored, [ways[m].scored for m in chosen])
            for n, way in enumerate(ways)
            if n not in chosen
            and not any(same_words(way.scored.words, ways[m].scored.words) for m in chosen)
        }
        while worth and len(chosen) < k:
            best = max(worth, key=lambda n: worth[n])
            value, way = worth.pop(best), ways[best]
            if value < floor or angles[way.angle] >= most or _is_full(rules, way):
                continue
            chosen.append(best)
            rules.update(_counted(way))
            angles[way.angle] += 1
            _lower(worth, ways, way)
    return chosen


def places_by_way(angles: Sequence[str]) -> list[int]:
    """From 1, where each stands on a page that groups them, the group of the best one first."""
    order = sorted(range(len(angles)), key=lambda n: (angles.index(angles[n]), n))
    places = [0] * len(angles)
    for place, n in enumerate(order, start=1):
        places[n] = place
    return places


def _counted(way: Way) -> set[str]:
    rule = way.scored.candidate.rule
    return {rule, *(frame for frame in FRAMES if frame in rule)}


def _is_full(rules: Counter[str], way: Way) -> bool:
    return any(rules[one] >= (1 if one in ONCE else MAX_OF_RULE) for one in _counted(way))


def _lower(worth: dict[int, float], ways: Sequence[Way], taken: Way) -> None:
    """Take out what says the same, and lower what repeats it."""
    for n in list(worth):
        other = ways[n]
        if same_words(other.scored.words, taken.scored.words):
            del worth[n]
        else:
            lowered = other.worth * _novelty(other.scored, [taken.scored])
            worth[n] = min(worth[n], lowered)


def _novelty(scored: Scored, chosen: Sequence[Scored]) -> float:
    repeats = max((overlap(scored.adds, other.adds) for other in chosen), default=0.0)
    return 1 - 0.5 * repeats
