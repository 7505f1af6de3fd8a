"""What a random sample proves of the whole: exact bounds, of shares and of finite batches.

No approximation, so that a bound holds as it is told: Clopper and Pearson, The use of confidence or
fiducial limits illustrated in the case of the binomial, Biometrika 26, 1934; for a batch the
hypergeometric distribution (acceptance sampling by attributes). Both hold for a sample whose
size was fixed before the first look at it; whoever stops when it looks good has no bound.
"""

from collections.abc import Callable
from math import comb, exp, lgamma, log

CONFIDENCE = 0.95
# Of the share's bounds by halving: far below what is shown.
STEPS = 60
MOST_REVIEWED = 1_000


def share_interval(good: int, reviewed: int, *, confidence: float = CONFIDENCE) -> tuple[
    float, float
]:  # fmt: skip
    """Clopper and Pearson's interval of the share that is good; (0, 1) of nothing."""
    if not reviewed:
        return 0.0, 1.0
    tail = (1 - confidence) / 2
    low = 0.0 if not good else _solve(lambda p: 1 - _at_most(good - 1, reviewed, p), tail)
    high = 1.0 if good == reviewed else 1 - _solve(
        lambda p: 1 - _at_most(reviewed - good - 1, reviewed, p), tail
    )  # fmt: skip
    return low, high


def proven_good(good: int, reviewed: int, population: int) -> int:
    """So many of the population are good at least, with CONFIDENCE, the reviewed ones included.

    Args:
        good: of the sample.
        reviewed: the size of the sample, drawn without replacement.
        population: all that it was drawn from.
    """
    bad = reviewed - good
    # The most bad ones with which so few in the sample would still not be a surprise.
    worst = bad
    while worst < population - good and (
        few_bad(bad, reviewed, worst + 1, population) > 1 - CONFIDENCE
    ):
        worst += 1
    return population - worst


def few_bad(bad: int, reviewed: int, all_bad: int, population: int) -> float:
    """The chance of at most so many bad ones in a sample of a population that has `all_bad`."""
    total = comb(population, reviewed)
    ways = sum(
        comb(all_bad, n) * comb(population - all_bad, reviewed - n)
        for n in range(min(bad, all_bad, reviewed) + 1)
    )
    return ways / total


def needed(wanted: float, bad: int, *, population: int | None = None) -> int | None:
    """The least sample in which so many bad ones still prove the wanted share; None: none does.

    Args:
        wanted: share of good ones, such as 0.9.
        bad: that the sample may have.
        population: of a finite batch; None for an endless one.
    """
    most = MOST_REVIEWED if population is None else min(MOST_REVIEWED, population)
    for size in range(bad + 1, most + 1):
        if population is None:
            if _at_most(bad, size, 1 - wanted) <= 1 - CONFIDENCE:
                return size
        elif proven_good(size - bad, size, population) >= wanted * population:
            return size
    return None


def _at_most(count: int, size: int, share: float) -> float:
    """The chance of at most `count` of `size` where each has the chance `share`."""
    if share <= 0:
        return 1.0
    if share >= 1:
        return float(count >= size)
    return min(1.0, sum(exp(_log_term(n, size, share)) for n in range(count + 1)))


def _log_term(count: int, size: int, share: float) -> float:
    ways = lgamma(size + 1) - lgamma(count + 1) - lgamma(size - count + 1)
    return ways + count * log(share) + (size - count) * log(1 - share)


def _solve(rising: Callable[[float], float], wanted: float) -> float:
    """Where a function that rises over 0 to 1 reaches the wanted value."""
    low, high = 0.0, 1.0
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < wanted else (low, middle)
    return low
