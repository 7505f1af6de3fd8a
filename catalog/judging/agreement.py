"""How far judges agree beyond chance: Cohen's kappa of two, Krippendorff's alpha of all.

Sources: J. Cohen, "A Coefficient of Agreement for Nominal Scales", Educational and Psychological
Measurement 20(1), 1960, and "Weighted Kappa", Psychological Bulletin 70(4), 1968; K. Krippendorff,
"Computing Krippendorff's Alpha-Reliability", 2011. Intervals are percentiles of a bootstrap over
pairs (B. Efron and R. J. Tibshirani, An Introduction to the Bootstrap, 1993, ch. 13): a pair is
drawn with everything that was said of it. Differs from Krippendorff's own bootstrap, which draws
single values.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

NOMINAL, ORDINAL, INTERVAL = "nominal", "ordinal", "interval"
RESAMPLES = 1_000
LEVEL = 0.95
SEED = 20_111


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """A coefficient with its interval; 1 is perfect, 0 what chance gives, below 0 less than that.

    `value` is None where it means nothing: no pair in common, or all grades are the same.
    `low` and `high` bound 95 % of the resamples in which it means something.
    """

    value: float | None
    low: float | None
    high: float | None
    pairs: int

    @property
    def drawn(self) -> dict[str, str]:
        """Places on a line from 0 to 100, not left of -10, for a drawing."""
        told = {"low": self.low, "at": self.value, "high": self.high}
        return {name: f"{max(-10.0, 100 * (at or 0.0)):.1f}" for name, at in told.items()}


def cohen_kappa(table: Counts, *, quadratic: bool = False) -> Agreement:
    """Cohen's kappa of two judges.

    Args:
        table: (C, C) int64, how many pairs the first gave grade i and the second grade j.
        quadratic: a disagreement counts by the square of its distance; else any counts the same.
    """
    size = len(table)
    distance = np.subtract.outer(np.arange(size), np.arange(size)) ** 2  # (C, C)
    weights = distance.astype(np.float64) if quadratic else (distance > 0).astype(np.float64)
    pairs = int(table.sum())
    if not pairs:
        return Agreement(value=None, low=None, high=None, pairs=0)
    drawn = _rng().multinomial(pairs, (table / pairs).ravel(), size=RESAMPLES)
    resampled = _kappas(drawn.reshape(-1, size, size).astype(np.float64), weights)
    return _told(_kappas(table[None].astype(np.float64), weights)[0], resampled, pairs)


def krippendorff_alpha(counts: Counts, *, level: str = ORDINAL) -> Agreement:
    """Krippendorff's alpha of any number of judges, each of whom may have left out any pair.

    Args:
        counts: (U, C) int64, how many judges gave a pair each grade. Pairs that fewer than two
            judged say nothing and are left out.
        level: NOMINAL, ORDINAL or INTERVAL: how distances of grades count.
    """
    counts = counts[counts.sum(axis=1) >= 2]
    pairs = len(counts)
    if not pairs:
        return Agreement(value=None, low=None, high=None, pairs=0)
    # Pairs that were graded alike are drawn together: of few patterns, not of all pairs.
    patterns, times = np.unique(counts, axis=0, return_counts=True)  # (P, C), (P,)
    coincidences = _coincidences(patterns)  # (P, C, C)
    drawn = _rng().multinomial(pairs, times / pairs, size=RESAMPLES)  # (R, P)
    resampled = _alphas(np.tensordot(drawn, coincidences, axes=1), level)
    return _told(_alphas(np.tensordot(times[None], coincidences, axes=1), level)[0],
                 resampled, pairs)  # fmt: skip


def _kappas(tables: Floats, weights: Floats) -> Floats:
    """(R, C, C) -> (R,); NaN where chance alone would give no disagreement."""
    rows, columns = tables.sum(axis=2), tables.sum(axis=1)  # (R, C)
    expected = rows[:, :, None] * columns[:, None, :] / tables.sum(axis=(1, 2))[:, None, None]
    return _one_minus((weights * tables).sum(axis=(1, 2)), (weights * expected).sum(axis=(1, 2)))


def _coincidences(patterns: Counts) -> Floats:
    """(P, C) -> (P, C, C): pairable values of each pattern, each judge against each other one."""
    given = patterns.astype(np.float64)
    pairs = given[:, :, None] * given[:, None, :]
    pairs -= given[:, :, None] * np.eye(given.shape[1])  # nobody against themselves
    pairs /= (given.sum(axis=1) - 1)[:, None, None]
    return np.asarray(pairs, np.float64)


def _alphas(coincidences: Floats, level: str) -> Floats:
    """(R, C, C) -> (R,); NaN where all values are the same."""
    values = coincidences.sum(axis=2)  # (R, C)
    total = values.sum(axis=1)  # (R,)
    squared = _distances(values, level)  # (R, C, C)
    observed = (coincidences * squared).sum(axis=(1, 2))
    expected = (values[:, :, None] * values[:, None, :] * squared).sum(axis=(1, 2))
    return _one_minus(observed * (total - 1), expected)


def _distances(values: Floats, level: str) -> Floats:
    """The squared distance of each two grades, (R, C, C); ordinal ones depend on the values."""
    size = values.shape[1]
    grades = np.arange(size)
    if level == ORDINAL:
        # The sum of the values from one grade to the other, half of each end.
        middle = np.cumsum(values, axis=1) - values / 2  # (R, C)
        return (middle[:, :, None] - middle[:, None, :]) ** 2
    distance = np.subtract.outer(grades, grades) ** 2
    squared = (distance > 0) if level == NOMINAL else distance
    return np.broadcast_to(squared.astype(np.float64), (len(values), size, size))


def _one_minus(observed: Floats, expected: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = np.where(expected > 0, 1 - observed / expected, np.nan)
    return found


def _told(value: float, resampled: Floats, pairs: int) -> Agreement:
    if np.isnan(value):
        return Agreement(value=None, low=None, high=None, pairs=pairs)
    tail = (1 - LEVEL) / 2
    low, high = np.nanquantile(resampled, [tail, 1 - tail])
    return Agreement(value=float(value), low=float(low), high=float(high), pairs=pairs)


def _rng() -> np.random.Generator:
    return np.random.default_rng(SEED)
