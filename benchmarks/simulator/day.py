"""A simulated day of one arm, and what came of it, person by person."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.core.cache import cache
from django.utils import timezone

from benchmarks.simulator.arms import Arm, switched_off
from benchmarks.simulator.behaviour import Asked, Mind
from benchmarks.simulator.chance import Chance
from benchmarks.simulator.config import Assumptions
from benchmarks.simulator.people import Person, World
from benchmarks.simulator.serving import Asking, forget, serving
from catalog.models import Item
from search.analytics.scope import Period, Scope
from search.exploration.log import Search, read_searches
from search.exploration.report import CategoryReach, category_reach
from search.query_store import build_queries


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One simulated day. `searches`: as the log tells them. `asked`: as the people tell them."""

    arm: str
    searches: Sequence[Search]
    asked: dict[str, tuple[Asked, ...]]  # by name
    keys: dict[str, str]  # name -> viewer of the log
    items: int
    reach: CategoryReach | None = None

    def of_person(self) -> dict[str, list[Search]]:
        """The searches of each person of the day, none where they made none."""
        found: dict[str, list[Search]] = defaultdict(list)
        for one in self.searches:
            found[one.viewer].append(one)
        return {name: found[key] for name, key in self.keys.items()}

    def exposures(self) -> Counter[int]:
        """How often each item stood among the first ten."""
        return Counter(item for one in self.searches for item in one.items)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is the same in every arm.

    known: items that people can come for; all that are in the catalog where it is None. category:
    whose reach is counted, "" for none. stays: the day is left in the log.
    """

    assumed: Assumptions
    seed: int
    category: str = ""
    known: Sequence[str] | None = None
    stays: bool = False


def simulate(arm: Arm, world: World, asking: Asking, plan: Plan) -> Day:
    """The day of the world's people in an arm; the log is as before afterwards, unless it stays."""
    begin = timezone.now()
    asked: dict[str, tuple[Asked, ...]] = {}
    with switched_off(arm.sources_off):
        if arm.sources_off:
            build_queries()
        items = {
            item.external_id: item
            for item in (*world.items, *world.newcomers)
            if item.external_id in asking.internal
        }
        with serving(arm, asking) as served:
            for person in world.people:
                mind = Mind(
                    person, items=items, assumed=plan.assumed, chance=Chance(plan.seed),
                    known=plan.known,
                )  # fmt: skip
                asked[person.name] = tuple(mind.live(served))
    cache.clear()  # what was counted a moment ago is of another arm
    scope = Scope(replace(Period.last(1), start=begin, end=timezone.now()))
    searches = read_searches(scope)
    day = Day(
        arm=arm.name,
        searches=searches,
        asked=asked,
        keys={person.name: _key(person, asking) for person in world.people},
        items=Item.objects.visible().count(),
        reach=category_reach(searches, plan.category) if plan.category else None,
    )
    if not plan.stays:
        forget(begin)
    if arm.sources_off:
        build_queries()  # only now: the day must not be in the log that the store is built from
    return day


def _key(person: Person, asking: Asking) -> str:
    return f"p{asking.people[person.name]}"
