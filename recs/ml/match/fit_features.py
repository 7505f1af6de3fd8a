"""How well an item fits a person's history, in numbers that are there in a request.

The one function for learning and for serving. Letters: C items, W wanted items, U unwanted ones, D
of the content space, F features.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log1p

import numpy as np
import numpy.typing as npt

from recs.ml.match.texts import ItemText

Floats = npt.NDArray[np.float32]

NAMES = (
    "nearest wanted", "three nearest wanted", "centre of wanted", "nearest unwanted",
    "wanted less unwanted", "share of category", "share of creator", "wanted", "unwanted",
    "people",
)  # fmt: skip
BETTER = frozenset(
    {
        "nearest wanted", "three nearest wanted", "centre of wanted", "wanted less unwanted",
        "share of category", "share of creator",
    }
)  # fmt: skip
WORSE = frozenset({"nearest unwanted"})
COSINE = NAMES.index("centre of wanted")
NEAREST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Taste:
    """What somebody wanted, newest first, and what they did not want.

    `wanted`: W texts, `wanted_vectors`: (W, D), `weights`: (W,) how much each counts;
    `unwanted_vectors`: (U, D).
    """

    wanted: Sequence[ItemText] = ()
    wanted_vectors: Floats | None = None
    weights: Sequence[float] = ()
    unwanted_vectors: Floats | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing can be said of what fits."""
        return not self.wanted


def fit_features(taste: Taste, items: Sequence[ItemText], vectors: Floats) -> Floats:
    """(C, F) float32, in the order of NAMES.

    Args:
        taste: of the person.
        items: C texts.
        vectors: (C, D) content vectors, zeros where an item has none.
    """
    found = np.zeros((len(items), len(NAMES)), np.float32)
    if not items:
        return found
    if taste.wanted_vectors is not None and len(taste.wanted_vectors):
        alike = vectors @ taste.wanted_vectors.T  # (C, W)
        found[:, 0] = alike.max(axis=1)
        most = min(NEAREST, alike.shape[1])
        found[:, 1] = np.sort(alike, axis=1)[:, -most:].mean(axis=1)
        found[:, 2] = vectors @ _centre(taste)
    if taste.unwanted_vectors is not None and len(taste.unwanted_vectors):
        found[:, 3] = (vectors @ taste.unwanted_vectors.T).max(axis=1)
    found[:, 4] = found[:, 0] - found[:, 3]
    categories = _shares(taste, "categories")
    creators = _shares(taste, "creators")
    for place, item in enumerate(items):
        found[place, 5] = max((categories[name] for name in _parts(item.categories)), default=0)
        found[place, 6] = max((creators[name] for name in _parts(item.creators)), default=0)
        found[place, 9] = log1p(item.people)
    found[:, 7] = log1p(len(taste.wanted))
    found[:, 8] = log1p(0 if taste.unwanted_vectors is None else len(taste.unwanted_vectors))
    return found


def _centre(taste: Taste) -> Floats:
    """(D,) of unit length: the mean of what was wanted, the newest counting most."""
    assert taste.wanted_vectors is not None
    weights = np.asarray(taste.weights or [1.0] * len(taste.wanted_vectors), np.float32)
    centre = weights @ taste.wanted_vectors
    return np.asarray(centre / max(float(np.linalg.norm(centre)), 1e-6), np.float32)


def _shares(taste: Taste, field: str) -> Mapping[str, float]:
    """Of what was wanted the share that has each value, by weight."""
    weights = taste.weights or [1.0] * len(taste.wanted)
    shares: dict[str, float] = defaultdict(float)
    total = sum(weights) or 1.0
    for item, weight in zip(taste.wanted, weights, strict=True):
        for name in set(_parts(getattr(item, field))):
            shares[name] += weight / total
    return shares


def _parts(text: str) -> list[str]:
    """Values that stand in one text, a line each."""
    return [part for part in text.split("\n") if part]
