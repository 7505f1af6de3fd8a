"""Steps of a range facet: decades of years, round prices, even steps of any other number."""

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from itertools import accumulate
from math import floor, log10

from catalog.filters import Range

MOST_PRICE_STEPS = 8
# Edges of price ranges, for any power of ten: 1, 2.5, 5, 10, 25, ...
PRICE_EDGES = [Decimal(n) * 10**power for power in range(7) for n in ("1", "2.5", "5")]
MOST_EVEN_STEPS = 7
# Even steps cover the middle of the values; what is rarer stands in the open ends.
TAIL = 0.05
CENT = Decimal("0.01")


def decades(counts: Mapping[int, int], *, most: int) -> list[Range]:
    """The decades with most years, the latest first."""
    starts = Counter[int]()
    for year, count in counts.items():
        starts[year // 10 * 10] += count
    kept = sorted(start for start, _ in starts.most_common(most))
    return [Range(low=Decimal(start), high=Decimal(start + 9)) for start in reversed(kept)]


def price_steps(counts: Mapping[Decimal, int]) -> list[Range]:
    """Steps at round prices that hold a fair share each; closed, a cent apart, the last open."""
    total = sum(counts.values())
    edges: list[Decimal] = []
    below = 0
    for edge in PRICE_EDGES:
        now_below = sum(n for price, n in counts.items() if price < edge)
        if now_below - below >= total / MOST_PRICE_STEPS and now_below < total:
            edges.append(edge)
            below = now_below
    return _between([Decimal(0), *edges], CENT) if total else []


def even_steps(counts: Mapping[float, int]) -> list[Range]:
    """At most nine steps of one round size over the middle of the numbers, open at both ends."""
    if not counts:
        return []
    numbers = sorted(counts)
    low, high = _quantile(counts, numbers, TAIL), _quantile(counts, numbers, 1 - TAIL)
    is_whole = all(float(number).is_integer() for number in numbers)
    size = max(_round_size((high - low) / MOST_EVEN_STEPS), 1.0 if is_whole else 0.01)
    first = floor(low / size) + 1
    edges = [size * n for n in range(first, floor(high / size) + 1)]
    if not edges:
        return []
    gap = Decimal(1) if is_whole else CENT
    steps = _between([Decimal(0), *(_decimal(edge) for edge in edges)], gap)
    return [Range(low=None, high=steps[0].high), *steps[1:]]


def _between(edges: list[Decimal], gap: Decimal) -> list[Range]:
    highs = [*(edge - gap for edge in edges[1:]), None]
    return [Range(low=low, high=high) for low, high in zip(edges, highs, strict=True)]


def _quantile(counts: Mapping[float, int], numbers: list[float], share: float) -> float:
    wanted = share * sum(counts.values())
    sums = accumulate(counts[number] for number in numbers)
    return next(number for number, below in zip(numbers, sums, strict=True) if below >= wanted)


def _round_size(size: float) -> float:
    """The next of 1, 2, 5 times a power of ten that is not smaller; at least a hundredth."""
    power = 10.0 ** floor(log10(max(size, 0.01)))
    return next(n * power for n in (1, 2, 5, 10) if n * power >= size * 0.999)


def _decimal(number: float) -> Decimal:
    return Decimal(str(round(number, 2))).normalize()
