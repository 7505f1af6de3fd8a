"""How much people explore, in a period: what command, API and admin show."""

import hashlib
from dataclasses import asdict, dataclass
from typing import Any

from django.core.cache import cache

from catalog.models import Item
from recs.models import ItemPopularity, NeighbourVersion
from search import reports
from search.analytics.scope import Scope
from search.exploration.log import Search, read_searches
from search.exploration.lookups import things_of
from search.exploration.measures import Exploration, Ratio, by_day, measure, share


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryReach:
    """How a category fares: `items` it has, `shown` of them among first ten hits.

    searched, attended: share of searches that showed one, and that led to one. people: who
    attended to one.
    """

    category: str
    items: int
    shown: int
    people: int
    searched: Ratio
    attended: Ratio


@dataclass(frozen=True, slots=True, kw_only=True)
class ColdReach:
    """Visible items that nobody has wanted yet (of the live popularity), and those shown of them.

    An item was shown where it stood among the first ten hits of a search.
    """

    items: int
    shown: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplorationReport:
    """The whole and its days."""

    scope: Scope
    totals: Exploration
    days: dict[str, Exploration]
    cold: ColdReach
    category: CategoryReach | None = None


def exploration(scope: Scope, *, category: str = "") -> ExplorationReport:
    """Of the newest searches of a scope, and of one category where it is named.

    Counted at most every half minute, like all analytics.
    """
    asked = "\n".join([scope.period.key, scope.segment.key, category])
    key = f"reports:exploration:{hashlib.sha256(asked.encode()).hexdigest()[:32]}"
    known: dict[str, Any] | None = cache.get(key)
    if known is None:
        found = _exploration(scope, category)
        cache.set(key, _plain(found), reports.CACHE_SECONDS)
        return found
    return ExplorationReport(
        scope=scope,
        totals=Exploration(**_ratios(known["totals"])),
        days={day: Exploration(**_ratios(row)) for day, row in known["days"].items()},
        cold=ColdReach(**known["cold"]),
        category=CategoryReach(**_ratios(known["category"])) if known["category"] else None,
    )


def _plain(found: ExplorationReport) -> dict[str, Any]:
    """All but the scope, as JSON can keep it."""
    return {
        "totals": asdict(found.totals),
        "days": {day: asdict(row) for day, row in found.days.items()},
        "cold": asdict(found.cold),
        "category": asdict(found.category) if found.category else None,
    }


def _ratios(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: Ratio(**value) if isinstance(value, dict) else value for name, value in row.items()
    }


def _exploration(scope: Scope, category: str) -> ExplorationReport:
    searches = read_searches(scope)
    items = Item.objects.visible().count()
    return ExplorationReport(
        scope=scope,
        totals=measure(searches, items=items),
        days=by_day(searches, items=items),
        cold=cold_reach(searches),
        category=category_reach(searches, category) if category else None,
    )


def cold_reach(searches: list[Search]) -> ColdReach:
    """How many of the items that nobody has wanted yet were shown."""
    wanted = ItemPopularity.objects.filter(
        version_id=NeighbourVersion.objects.live_id(), people__gt=0
    )
    cold = Item.objects.visible().exclude(pk__in=wanted.values("item_id"))
    shown = {item for one in searches for item in one.items}
    return ColdReach(items=cold.count(), shown=cold.filter(pk__in=shown).count())


def category_reach(searches: list[Search], category: str) -> CategoryReach:
    """How a category fares in some searches."""
    things = things_of({item for one in searches for item in (*one.items, *one.chosen)})
    ours = {item for item, held in things.items() if f"category:{category}" in held}
    return CategoryReach(
        category=category,
        items=Item.objects.visible().filter(all_categories__contains=[category]).count(),
        shown=len(ours & {item for one in searches for item in one.items}),
        people=len({one.viewer for one in searches if one.viewer and ours & set(one.chosen)}),
        searched=share(searches, lambda one: bool(ours & set(one.items))),
        attended=share(searches, lambda one: bool(ours & set(one.chosen))),
    )
