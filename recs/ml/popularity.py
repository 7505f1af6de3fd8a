"""How wanted items are: counts, people, and counts that fade with age."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
DoubleFloats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class PopularityConfig:
    """How counts fade and ratings shrink."""

    # In active days (days on which anything happened): a log that ended years ago keeps what was
    # trending at its end, and the first click after years of silence does not outweigh it.
    half_life_days: float = 60.0
    # A rating counts as if so many people had given the catalog's mean as well.
    rating_prior: float = 10.0

    def __post_init__(self) -> None:
        """Refuse numbers that mean nothing."""
        if self.half_life_days <= 0 or self.rating_prior < 0:
            raise ValueError("half_life_days must be above 0 and rating_prior not below.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Popularity:
    """One row for each item (N,), in order of item."""

    items: Ints
    wanted: Ints
    people: Ints
    trending: DoubleFloats


def popularity(
    *, people: Ints, items: Ints, times: DoubleFloats, config: PopularityConfig
) -> Popularity:
    """How wanted each item is.

    Args:
        people: (E,) int64, who.
        items: (E,) int64, what.
        times: (E,) float64, when, in days.
        config: see its fields.
    """
    names, rows = np.unique(items, return_inverse=True)
    size = len(names)
    different = np.unique(np.stack([rows, people], axis=1), axis=0)[:, 0] if size else rows
    weights = 0.5 ** (_active_age(times) / config.half_life_days)
    return Popularity(
        items=names,
        wanted=np.bincount(rows, minlength=size),
        people=np.bincount(different, minlength=size),
        trending=np.bincount(rows, weights=weights, minlength=size).astype(np.float64),
    )


def shrunk_mean(
    *, sums: DoubleFloats, counts: DoubleFloats, config: PopularityConfig
) -> DoubleFloats:
    """Mean of each item drawn toward the mean of all: (N,) of sums and of counts."""
    overall = sums.sum() / max(counts.sum(), 1.0)
    prior = config.rating_prior
    return np.asarray((sums + prior * overall) / np.maximum(counts + prior, 1e-9))


def _active_age(times: DoubleFloats) -> DoubleFloats:
    """Number of later days on which anything happened."""
    days, place = np.unique(np.floor(times), return_inverse=True)
    return np.asarray(len(days) - 1 - place, dtype=np.float64)
