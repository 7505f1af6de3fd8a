"""Means and differences with the intervals of what they may be in the long run."""

import math
from dataclasses import dataclass

from search.reports import Share

Z = 1.96


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """A mean of `count` values with their standard deviation."""

    value: float
    deviation: float
    count: int

    @property
    def interval(self) -> tuple[float, float]:
        """Lower and upper end, 95 %, by the normal distribution; the value itself below two."""
        half = Z * self.deviation / math.sqrt(self.count) if self.count > 1 else 0.0
        return self.value - half, self.value + half


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What a number rose by against another, with its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def is_sure(self) -> bool:
        """Whether the interval leaves 0 out."""
        return self.low > 0 or self.high < 0


def share_difference(now: Share, before: Share) -> Difference | None:
    """Of two shares; None where one of them counts nothing.

    Source: R. G. Newcombe, "Interval estimation for the difference between independent proportions:
    comparison of eleven methods", Statistics in Medicine 17, 1998, method 10.
    """
    if not now.whole or not before.whole:
        return None
    (low, high), (low_before, high_before) = now.interval, before.interval
    value = now.value - before.value
    return Difference(
        value=value,
        low=value - math.hypot(now.value - low, high_before - before.value),
        high=value + math.hypot(high - now.value, before.value - low_before),
    )


def mean_difference(now: Mean, before: Mean) -> Difference | None:
    """Of two means; None where one of them has fewer than two values."""
    if now.count < 2 or before.count < 2:
        return None
    error = math.hypot(*(one.deviation / math.sqrt(one.count) for one in (now, before)))
    value = now.value - before.value
    return Difference(value=value, low=value - Z * error, high=value + Z * error)
