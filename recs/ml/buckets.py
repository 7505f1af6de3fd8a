"""Buckets of times and of counts, as networks read them; NumPy only, for training and serving."""

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

# Buckets of the time since the previous event: 0 unknown (or no event before), 1 under a minute,
# then doubling; the last one starts at 2^22 minutes, eight years.
GAP_BUCKETS = 24
# Buckets of how many events an item had: 0 none, 1 one, 2 two or three, 3 four to seven, ...; the
# last one starts at 2^18.
KNOWN_BUCKETS = 20
# How far an event is from the newest: exact near it, four steps a doubling beyond.
EXACT_AGES = 32
STEPS_A_DOUBLING = 4
AGE_BUCKETS = EXACT_AGES + 1 + 6 * STEPS_A_DOUBLING
_MINUTES_A_DAY = 24 * 60


def gap_bucket(days: npt.NDArray[np.float64]) -> Ints:
    """Bucket of a time in days: 0 where it is NaN, else from 1 to GAP_BUCKETS - 1.

    A time below 0 (events out of order) counts as none.
    """
    unknown = np.isnan(days)
    minutes = np.where(unknown, 0.0, np.maximum(days, 0.0) * _MINUTES_A_DAY)
    bucket = 1 + np.floor(np.log2(1.0 + minutes)).astype(np.int64)
    return np.where(unknown, 0, np.minimum(bucket, GAP_BUCKETS - 1))


def known_bucket(counts: Ints) -> Ints:
    """Bucket of a number of events, from 0 to KNOWN_BUCKETS - 1; below 0 counts as 0."""
    bucket = np.ceil(np.log2(np.maximum(counts, 0) + 1.0)).astype(np.int64)
    # log2 of 1 + 2^k - 1 is exactly k: 1 -> 1, 2 and 3 -> 2, 4 to 7 -> 3.
    return np.minimum(bucket, KNOWN_BUCKETS - 1)


def age_buckets(length: int) -> Ints:
    """(T,) int64, buckets of the positions of a history, the newest last (age 0).

    Ages below 32 have a bucket each; the last bucket starts at an age of 2,048.
    """
    ages = np.arange(length - 1, -1, -1)
    far = np.log2(np.maximum(ages, EXACT_AGES) / EXACT_AGES, dtype=np.float32)
    steps = EXACT_AGES + np.floor(far * STEPS_A_DOUBLING).astype(np.int64)
    return np.where(ages < EXACT_AGES, ages, np.minimum(steps, AGE_BUCKETS - 1))
