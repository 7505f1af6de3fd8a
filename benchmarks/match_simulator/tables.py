"""What is run and printed. Every line says "simulated"."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from benchmarks.match_simulator.behaviour import Sums
from benchmarks.match_simulator.comparing import (
    ANYWHERE,
    MEASURES,
    NONE,
    ORACLE,
    RANDOM,
    SHARES,
    Setting,
    is_of_emptiness,
    rises,
    threshold_at,
    volume,
)
from benchmarks.match_simulator.config import Assumptions, unknowns, variants
from benchmarks.match_simulator.lists import BAD, GOOD, REFILLED, SHORTER, UNKNOWN, Plan, Pool
from benchmarks.match_simulator.teaching import OPEN, RATED, Order, pool_of
from benchmarks.match_simulator.world import Rater, World
from benchmarks.simulator.compare import Number, draw, number
from search.match_fit import Head

DoubleFloats = npt.NDArray[np.float64]

# Shares of what is offered that the sweep leaves out; the fifth is that of Indeed's e-mails.
VOLUMES = (0.01, 0.02, 0.05, 0.1, 0.177, 0.3, 0.5)
TOLD_OF = ("bad ones looked at, a person", "taken, a person", "taken, a list", "unsubscribed")
WAYS = {
    (RATED, SHORTER): "films that they did rate later, lists get shorter",
    (RATED, REFILLED): "films that they did rate later, lists are refilled",
    (OPEN, SHORTER): "any film, lists get shorter",
    (OPEN, REFILLED): "any film, lists are refilled",
}


@dataclass(slots=True, kw_only=True)
class Run:
    """A run. `heads`: the filter, and the one that was taught the opposite."""

    world: World
    order: Order
    heads: Sequence[Head]
    assumed: Assumptions
    people: int
    draws: int
    _pools: dict[tuple[str, bool], tuple[Pool, list[DoubleFloats]]] = field(default_factory=dict)

    def tell(self, kind: str, way: str, *, is_reported: bool, seed: int, volume_: float) -> None:
        """All tables of one kind of pool and one way of filtering."""
        plan = Plan(way=way)
        pool, flipped = self._pool(kind, is_reported)
        apart, apart_flipped = self._pool(kind, is_reported=False)
        has_list = plan.due(pool).any(axis=1)
        setting = Setting(
            pool=pool.take(has_list, plan.most), plan=plan, assumed=self.assumed, seed=seed
        )
        draws = draw(int(has_list.sum()), self.draws, seed)
        print(f"\n### Simulated: {WAYS[kind, way]} ({int(has_list.sum())} people)\n")
        print(_composition(setting))
        none = setting.none()
        points = {
            f"{share:.1%}": threshold_at(apart, Plan(way=SHORTER), apart.chances, share)
            for share in VOLUMES
        }
        point = self.heads[0].report["point"]
        if point["volume"]:
            points["the gate's own"] = point["threshold"]
        _sweep(setting, none, points, draws)
        main = threshold_at(apart, Plan(way=SHORTER), apart.chances, volume_)
        turned = threshold_at(apart, Plan(way=SHORTER), apart_flipped, volume_)
        ours, lots = setting.by(setting.pool.chances, main)
        opposite, opposite_lots = setting.by(flipped[has_list, : plan.most], turned)
        arms = {
            NONE: none, RANDOM: lots, "taught the opposite": opposite, ORACLE: setting.oracle(),
        }  # fmt: skip
        if way == SHORTER:
            arms[ANYWHERE] = setting.by_lot_anywhere(setting.pool.chances, main)
        _arms({f"the filter, {volume_:.1%}": ours} | arms, draws)
        pairs = {f"the filter against {name}": (ours, arms[name])
                 for name in (NONE, RANDOM, ANYWHERE) if name in arms}  # fmt: skip
        pairs["taught the opposite, against as many of each list by lot"] = opposite, opposite_lots
        pairs["oracle against no filter"] = arms[ORACLE], none
        _differences(pairs, draws)
        told = variants(self.assumed) | (unknowns(self.assumed) if kind == OPEN else {})
        _sensitivity(setting, main, told, draws)

    def _pool(self, kind: str, is_reported: bool) -> tuple[Pool, DoubleFloats]:
        if (kind, is_reported) not in self._pools:
            people = some(self.world, is_reported=is_reported, most=self.people)
            self._pools[kind, is_reported] = pool_of(
                self.world,
                people,
                self.heads,
                order=self.order,
                kind=kind,
                most=Plan(way=REFILLED).most,
            )
        pool, others = self._pools[kind, is_reported]
        return pool, others[0]


def some(world: World, *, is_reported: bool, most: int) -> list[Rater]:
    """One half of people, or as many of it, by lot."""
    half = [one for one in world.people if one.is_reported == is_reported]
    order = np.random.default_rng(0).permutation(len(half))[:most]
    return [half[place] for place in sorted(order.tolist())]


def tell_head(head: Head) -> None:
    """What was learned, and whether the product's gate would let it answer."""
    report = head.report
    rows, auc, point = report["rows"], report["auc"], report["point"]
    print(f"The filter: {report['way']}; {rows['taught']} taught, {rows['chosen']} chose, "
          f"{rows['tested']} tested; items {report['items']}.")  # fmt: skip
    print(f"AUC {auc['mean']} ({auc['low']} to {auc['high']}), nearness alone "
          f"{report['baselines']['cosine']['mean']}; calibration error "
          f"{report['calibration_error']}; at its own threshold: {point}.")  # fmt: skip
    print("The gate: " + ("passed." if report["passed"] else " ".join(report["reasons"])))


def _composition(setting: Setting) -> str:
    """What stands in the lists before anything is left out."""
    pool, due = setting.pool, setting.plan.due(setting.pool)
    count = due.sum(axis=1) * setting.plan.length
    offered = pool.exists & (np.arange(pool.exists.shape[1]) < count[:, None])
    shares = [(pool.truth[offered] == match).mean() for match in (GOOD, BAD, UNKNOWN)]
    return (
        f"{due.sum() / len(due):.1f} lists of {setting.plan.length} a person; of what stands in "
        f"them {shares[0]:.1%} good, {shares[1]:.1%} bad, {shares[2]:.1%} never rated."
    )


def _sweep(setting: Setting, none: Sums, points: Mapping[str, float], draws: DoubleFloats) -> None:
    columns = [f"{name}: {to}" for name in TOLD_OF for to in ("to none", "to random")]
    print("\n| simulated; asked for | left out | " + " | ".join(columns)
          + " | empty lists | people with nothing |")  # fmt: skip
    print("|---|" + "---|" * (len(columns) + 3))
    for name, threshold in points.items():
        ours, lots = setting.by(setting.pool.chances, threshold)
        against = [rises(ours, theirs, draws) for theirs in (none, lots)]
        cells = [_rise(name_, each[name_]) for name_ in TOLD_OF for each in against]
        ends = [MEASURES[each](ours, np.ones(len(ours.due))) for each in MEASURES
                if is_of_emptiness(each)]  # fmt: skip
        cells += [f"{100 * each:.1f} %" for each in ends]
        print(f"| {name} | {volume(ours):.1%} | " + " | ".join(cells) + " |", flush=True)


def _arms(arms: Mapping[str, Sums], draws: DoubleFloats) -> None:
    print("\n| simulated | left out | " + " | ".join(MEASURES) + " |")
    print("|---|" + "---|" * (len(MEASURES) + 1))
    for name, sums in arms.items():
        cells = [_told(each, number(MEASURES[each], sums, draws)) for each in MEASURES]
        print(f"| {name} | {volume(sums):.1%} | " + " | ".join(cells) + " |", flush=True)


def _differences(pairs: Mapping[str, tuple[Sums, Sums]], draws: DoubleFloats) -> None:
    print("\n| simulated | " + " | ".join(MEASURES) + " |")
    print("|---|" + "---|" * len(MEASURES))
    for name, (ours, theirs) in pairs.items():
        told = rises(ours, theirs, draws)
        print(f"| {name} | " + " | ".join(_rise(each, told[each]) for each in told) + " |")


def _sensitivity(
    setting: Setting, threshold: float, told: Mapping[str, Assumptions], draws: DoubleFloats
) -> None:
    columns = [f"{name}: {to}" for name in ("taken, a person", "unsubscribed")
               for to in ("to none", "to random")]  # fmt: skip
    columns += [f"oracle, {name}: to none" for name in ("taken", "unsubscribed")]
    print("\n| simulated, another assumption | unsubscribed, no filter | "
          + " | ".join(columns) + " |")  # fmt: skip
    print("|---|" + "---|" * (len(columns) + 1))
    lists = setting.lists_by(setting.pool.chances, threshold)
    for name, assumed in told.items():
        own = replace(setting, assumed=assumed)
        none = own.none()
        ours, lots = (own.live(one) for one in lists)
        against = [rises(ours, theirs, draws) for theirs in (none, lots)]
        cells = [_rise(each, one[each]) for each in ("taken, a person", "unsubscribed")
                 for one in against]  # fmt: skip
        ceiling = rises(own.oracle(), none, draws)
        cells += [_rise(each, ceiling[each]) for each in ("taken, a person", "unsubscribed")]
        print(f"| {name} | {none.left.mean():.1%} | " + " | ".join(cells) + " |", flush=True)


def _told(name: str, found: Number) -> str:
    if name in SHARES:
        return f"{100 * found.value:.1f} % ({100 * found.low:.1f} to {100 * found.high:.1f})"
    return f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f})"


def _rise(name: str, found: Number) -> str:
    unit = "points" if is_of_emptiness(name) else "%"
    return f"{100 * found.value:+.1f} {unit} ({100 * found.low:+.1f} to {100 * found.high:+.1f})"
