"""Runs the days and prints what came of them, as Markdown; everything in it is simulated."""

import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace

from benchmarks.simulator import compare
from benchmarks.simulator.arms import NO_PILLS, WHOLE, Arm, arms, switched_off
from benchmarks.simulator.compare import ELSEWHERE, MEASURES, Number
from benchmarks.simulator.config import CURIOUS, ON_THE_HOME_PAGE, Assumptions, variants
from benchmarks.simulator.day import Day, Plan, simulate
from benchmarks.simulator.newcomers import MET, met, over_days
from benchmarks.simulator.people import World
from benchmarks.simulator.serving import Asking, add_items, load, reached
from search.exploration.gini import gini
from search.query_checks import check_queries
from search.query_store import build_queries
from search.spelling import build_terms

SHARES = (*MET, "exploratory share", "item success", "item success of what they came with",
          "item success of searches for one thing", "item success of searches for anything else",
          "downstream success", "reach of new categories")  # fmt: skip
# What people's reaching a new category is also told under.
TOLD_OF_NEW = (ON_THE_HOME_PAGE, CURIOUS)
RELATIVE = ("exploratory searches a person",)


class Run:
    """One world in one database."""

    def __init__(self, *, world: World, seed: int, draws: int) -> None:
        self._world, self._seed = world, seed
        self._assumed = Assumptions()
        self._draws = compare.draw(len(world.people), draws, seed)
        self._asking: Asking | None = None
        self._arms: list[Arm] = []

    def load(self, *, is_filled: bool = False) -> None:
        """Fill the database, where an earlier run has not done so."""
        begin = time.perf_counter()
        if not is_filled:
            load(self._world)
        self._asking = Asking()
        world = self._world
        typing = sum(bool(person.typed) for person in world.people)
        print(
            f"simulated: {len(world.items)} items, {len(world.history)} earlier events,"
            f" {len(world.log)} earlier searches, {len(world.people)} people ({typing} of them"
            f" typed something later), seed {self._seed}; loaded in"
            f" {time.perf_counter() - begin:.0f} s\n",
            flush=True,
        )

    def arms(self, names: Sequence[str] = ()) -> None:
        """Each arm against no recommended queries; of the others only those named, if any are."""
        days, missing = [], []
        self._arms = [arm for arm in arms() if not names or arm.name in (NO_PILLS, WHOLE, *names)]
        for arm in self._arms:
            if arm.unavailable:
                missing.append(arm)
            else:
                days.append(self._day(arm))
        people = self._people(days)
        self._print_numbers(days, people)
        for arm in missing:
            print(f"| {arm.name} | not available: {arm.unavailable} |")
        self._print_kinds(days)
        self._print_differences(people, NO_PILLS)
        self._print_differences(people, WHOLE)
        self._fixed_load(days[0])

    def sensitivity(self, seeds: Iterable[int]) -> None:
        """The main pair again, under other assumptions and other seeds."""
        told = ("exploratory searches a person", "item success",
                "item success of what they came with", "successful searches a person",
                "items taken a person", "Gini")  # fmt: skip
        print(f"\n| simulated, {WHOLE} against {NO_PILLS} | {' | '.join(told)} |")
        print("|---|" + "---|" * len(told))
        cases = [
            *((name, replace(self._assumed, **changed), self._seed)
              for name, changed in variants(self._assumed).items()),
            *((f"seed {seed}", self._assumed, seed) for seed in seeds),
        ]  # fmt: skip
        pair = [arm for arm in arms() if arm.name in (WHOLE, NO_PILLS)]
        for name, assumed, seed in cases:
            people = self._people([self._day(arm, assumed=assumed, seed=seed) for arm in pair])
            cells = [
                _rise(
                    measure,
                    compare.difference(
                        MEASURES[measure], people[WHOLE], people[NO_PILLS], self._draws,
                        relative=measure in RELATIVE,
                    ),
                )
                for measure in told
            ]  # fmt: skip
            print(f"| {name} | {' | '.join(cells)} |", flush=True)

    def newcomers(self, seeds: Sequence[int]) -> None:
        """A category that nobody has a history with comes in; a day later, once for each seed."""
        category = self._world.new_category
        known = list(self._ready.internal)
        pair = [arm for arm in arms() if arm.name in (WHOLE, NO_PILLS)]
        before = [[self._day(arm, known=known, seed=seed) for arm in pair] for seed in seeds]
        add_items(self._world.newcomers)
        build_terms()
        build_queries()
        check_queries()  # as the night does: what a query finds first is known by the day
        self._asking = Asking()
        others = {
            name: [
                self._day(arm, known=known, assumed=replace(self._assumed, **changed))
                for arm in pair
            ]
            for name, changed in variants(self._assumed).items()
            if name in TOLD_OF_NEW
        }
        # The last day stays in the log: manage.py exploration_report --category tells it.
        after = [
            [
                self._day(
                    arm, known=known, category=category, seed=seed,
                    stays=arm is pair[-1] and seed == seeds[-1],
                )
                for arm in pair
            ]
            for seed in seeds
        ]  # fmt: skip
        self._print_reach(after[-1])
        self._print_met(after)
        for name, days in others.items():
            self._print_met([[replace(day, arm=f"{day.arm}, {name}") for day in days]])
        self._print_elsewhere(before, after, known)

    def _print_reach(self, days: Sequence[Day]) -> None:
        """What the report of the product says of the last day."""
        print(
            f"\n| simulated, {len(self._world.newcomers)} items of {self._world.new_category} |"
            " shown among first ten | searches that show one | searches that lead to one |"
            " people reached |"
        )
        print("|---|---|---|---|---|")
        for day in days:
            reach = day.reach
            assert reach is not None
            print(
                f"| {day.arm} | {reach.shown} of {reach.items} | {100 * reach.searched.value:.1f} %"
                f" | {100 * reach.attended.value:.2f} % | {reach.people} of"
                f" {len(self._world.people)} |"
            )

    def _print_elsewhere(
        self, before: list[list[Day]], after: list[list[Day]], known: list[str]
    ) -> None:
        """What became of the items that were there before, after against before."""
        print("\nGini and items taken of the items that were there before:\n")
        print(f"| simulated, after against before | {' | '.join(ELSEWHERE)} |")
        print("|---|" + "---|" * len(ELSEWHERE))
        places = compare.places_of([day for days in (*before, *after) for day in days])
        kept = {self._ready.internal[external] for external in known}
        places = compare.numbered(item for item in places if item in kept)
        pairs: dict[str, tuple[compare.People, compare.People]] = {}
        for number, arm in enumerate(day.arm for day in before[0]):
            was, became = (
                compare.pooled(
                    [compare.people_of(days[number], places, only=known) for days in part]
                )
                for part in (before, after)
            )
            pairs[arm] = (was, became)
            cells = [
                _rise(name, compare.difference(measure, became, was, self._draws))
                for name, measure in ELSEWHERE.items()
            ]
            print(f"| {arm} | {' | '.join(cells)} |", flush=True)
        cells = [
            _rise(
                name,
                compare.difference_of_changes(measure, pairs[WHOLE], pairs[NO_PILLS], self._draws),
            )
            for name, measure in ELSEWHERE.items()
        ]
        print(f"| what recommended queries add to that | {' | '.join(cells)} |", flush=True)

    def _print_met(self, days: Sequence[Sequence[Day]]) -> None:
        """How far people got with what came in, with pills and without; of each day, with last."""
        names = {item.external_id for item in self._world.newcomers}
        ours = {self._ready.internal[name] for name in names}
        people = {
            of_arm[0].arm: over_days([met(day, ours, names) for day in of_arm])
            for of_arm in zip(*days, strict=True)
        }
        print(f"\n| simulated, share of people who were or did | {' | '.join(MET)} |")
        print("|---|" + "---|" * len(MET))
        for name, of_day in people.items():
            cells = [
                _told(word, compare.number(measure, of_day, self._draws))
                for word, measure in MET.items()
            ]
            print(f"| {name} | {' | '.join(cells)} |")
        theirs, mine = people.values()
        cells = [
            _rise(word, compare.difference(measure, mine, theirs, self._draws))
            for word, measure in MET.items()
        ]
        print(f"| difference | {' | '.join(cells)} |", flush=True)

    def _print_kinds(self, days: Sequence[Day]) -> None:
        """How searches of each kind end: what a mean over all of them is made of."""
        kinds = ("title", "typed", "vague", "pill")
        print(f"\n| simulated, item success of searches (how many) | {' | '.join(kinds)} |")
        print("|---|" + "---|" * len(kinds))
        for day in days:
            asked = [one for rows in day.asked.values() for one in rows]
            of_kind = [[one for one in asked if one.kind == kind] for kind in kinds]
            cells = [
                f"{100 * sum(bool(one.clicked) for one in rows) / max(1, len(rows)):.1f} %"
                f" ({len(rows)})"
                for rows in of_kind
            ]
            print(f"| {day.arm} | {' | '.join(cells)} |")

    def _fixed_load(self, day: Day) -> None:
        """What one click leads to from each query of a day, without anybody who clicks."""
        load = [one.query for asked in day.asked.values() for one in asked]
        print(
            f"\n| simulated load of {len(load)} queries, first ten hits of each and of what is"
            " recommended beside it | Gini | items reached | of those nobody had before |"
        )
        print("|---|---|---|---|")
        touched = {event.item_id for event in self._world.history}
        cold = {key for external, key in self._ready.internal.items() if external not in touched}
        for arm in [one for one in self._arms if not one.unavailable]:
            with switched_off(arm.sources_off):
                if arm.sources_off:
                    build_queries()
                counts = reached(arm, load, self._ready)
            if arm.sources_off:
                build_queries()
            value = gini(counts.values(), items=len(self._ready.internal))
            cold_reached = len(cold & set(counts))
            print(f"| {arm.name} | {value:.3f} | {len(counts)} | {cold_reached} of {len(cold)} |")

    def _print_numbers(self, days: list[Day], people: dict[str, compare.People]) -> None:
        print(f"| simulated | {' | '.join(MEASURES)} | pills picked a person | items shown |")
        print("|---|" + "---|" * (len(MEASURES) + 2))
        for day in days:
            cells = [
                _told(name, compare.number(measure, people[day.arm], self._draws))
                for name, measure in MEASURES.items()
            ]
            picked = sum(bool(one.picked_from) for one in day.searches) / len(self._world.people)
            print(f"| {day.arm} | {' | '.join(cells)} | {picked:.2f} | {len(day.exposures())} |")

    def _print_differences(self, people: dict[str, compare.People], base: str) -> None:
        """Of each arm against one; no pills against the whole is not said twice."""
        print(f"\n| simulated, against {base} | {' | '.join(MEASURES)} |")
        print("|---|" + "---|" * len(MEASURES))
        for name, ours in people.items():
            if name not in (base, NO_PILLS):
                print(f"| {name} | {' | '.join(self._against(ours, people[base]))} |", flush=True)

    @property
    def _ready(self) -> Asking:
        assert self._asking is not None, "load() first"
        return self._asking

    def _day(
        self,
        arm: Arm,
        *,
        assumed: Assumptions | None = None,
        seed: int | None = None,
        category: str = "",
        known: list[str] | None = None,
        stays: bool = False,
    ) -> Day:
        begin = time.perf_counter()
        plan = Plan(
            assumed=assumed or self._assumed, seed=self._seed if seed is None else seed,
            category=category, known=known, stays=stays,
        )  # fmt: skip
        day = simulate(arm, self._world, self._ready, plan)
        spent = time.perf_counter() - begin
        sys.stderr.write(f"{arm.name}: {len(day.searches)} searches in {spent:.0f} s\n")
        return day

    def _people(self, days: list[Day]) -> dict[str, compare.People]:
        """By arm."""
        places = compare.places_of(days)
        return {day.arm: compare.people_of(day, places) for day in days}

    def _against(self, ours: compare.People, theirs: compare.People) -> list[str]:
        return [
            _rise(
                name,
                compare.difference(measure, ours, theirs, self._draws, relative=name in RELATIVE),
            )
            for name, measure in MEASURES.items()
        ]


def _told(name: str, found: Number) -> str:
    if name in SHARES:
        low, high = 100 * found.low, 100 * found.high
        return f"{100 * found.value:.1f} % ({low:.1f} to {high:.1f})"
    digits = 3 if name == "Gini" else 2
    return f"{found.value:.{digits}f} ({found.low:.{digits}f} to {found.high:.{digits}f})"


def _rise(name: str, found: Number) -> str:
    if name in RELATIVE:
        return f"{100 * found.value:+.1f} % ({100 * found.low:+.1f} to {100 * found.high:+.1f})"
    if name in SHARES:
        value, low, high = (100 * one for one in (found.value, found.low, found.high))
        return f"{value:+.1f} points ({low:+.1f} to {high:+.1f})"
    digits = 4 if name == "Gini" else 2
    return f"{found.value:+.{digits}f} ({found.low:+.{digits}f} to {found.high:+.{digits}f})"
