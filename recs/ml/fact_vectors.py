"""Vectors of what is stated of an item: category, makers, country, year; nothing is learned.

Source: Weinberger et al., Feature Hashing for Large Scale Multitask Learning, ICML 2009.
Differs from the paper: a fact's hash gives a sign for every dimension instead of one place, as in
    a random projection, so that few dimensions serve; a year lies between two decades.
"""

import functools
import hashlib
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
# What is stated, by what it is stated of: {"category": {"Drama": 1.0, "Comedy": 1.0}}.
Facts = Mapping[str, Mapping[str, float]]

DIMENSIONS = 128
# How much a kind of facts counts, however many of it an item has. Kinds that are not named here
# share OTHERS, so that a catalog with forty attributes is no other matter than one with four.
WEIGHTS = {"category": 1.0, "year": 0.7, "country": 0.7, "creator": 0.5}
OTHERS = 0.5
YEARS = 10


def fact_vector(facts: Facts) -> Floats:
    """The vector of an item's facts.

    Args:
        facts: by kind, each fact with how much it holds, > 0.

    Returns:
        (DIMENSIONS,) float32 of length 1; zeros where nothing is stated.
    """
    stated = {kind: values for kind, values in facts.items() if values}
    others = sum(kind not in WEIGHTS for kind in stated)
    found = np.zeros(DIMENSIONS)
    for kind, values in sorted(stated.items()):
        weight = WEIGHTS.get(kind) or OTHERS / others**0.5
        own = sum(much * _signs(f"{kind}:{value}") for value, much in sorted(values.items()))
        found += weight * own / np.sqrt(sum(much**2 for much in values.values()))
    length = np.linalg.norm(found)
    return np.asarray(found / length if length > 0 else found, np.float32)


def years(year: int) -> dict[str, float]:
    """A year as two decades, nearer the one whose middle is nearer: 1968 is mostly the sixties.

    Years near each other are alike whether or not a decade ends between them.
    """
    place = (year - YEARS / 2) / YEARS
    first = int(np.floor(place))
    share = place - first
    found = {f"{first * YEARS}s": 1.0 - share, f"{(first + 1) * YEARS}s": share}
    return {name: much for name, much in found.items() if much > 0}


@functools.lru_cache(maxsize=50_000)
def _signs(fact: str) -> npt.NDArray[np.float64]:
    """(DIMENSIONS,) of length 1, the same on every machine."""
    digest = hashlib.shake_256(fact.encode()).digest(DIMENSIONS // 8)
    bits = np.unpackbits(np.frombuffer(digest, np.uint8)).astype(np.float64)
    signs: npt.NDArray[np.float64] = (2.0 * bits - 1.0) / DIMENSIONS**0.5
    signs.flags.writeable = False
    return signs
