"""The ranker of query recommendations as it answers: a small network in NumPy, no torch.

Letters: C candidates, F features, H hidden units, P groups of features.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from math import comb
from typing import Any

import numpy as np
import numpy.typing as npt

from recs.ml.query_ranking.features import GROUPS, NAMES, at_served_place

Floats = npt.NDArray[np.float32]
DoubleFloats = npt.NDArray[np.float64]
Arrays = Mapping[str, npt.NDArray[Any]]
COLUMNS = {group: [NAMES.index(name) for name in names] for group, names in GROUPS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryRanker:
    """Chances that a recommended query is picked and leads to something wanted.

    `mean`, `scale`: (F,) of the standardised features. `linear`: (F,), `bias`: (): the plain part.
    `inner`: (F, H), `inner_bias`: (H,), `outer`: (H,): the hidden part; H may be 0. `slope`,
    `shift`: the calibration of the sum (Platt, 1999).
    """

    mean: DoubleFloats
    scale: DoubleFloats
    linear: DoubleFloats
    bias: float
    inner: DoubleFloats
    inner_bias: DoubleFloats
    outer: DoubleFloats
    slope: float = 1.0
    shift: float = 0.0

    def raw(self, features: Floats) -> DoubleFloats:
        """(C,) log-odds before calibration, of (C, F) features as they stand, places and all."""
        plain = (features.astype(np.float64) - self.mean) / self.scale
        # What lies far outside of everything that was learned from says no more than its edge.
        plain = np.clip(plain, -8.0, 8.0)
        hidden = np.maximum(plain @ self.inner + self.inner_bias, 0.0)  # (C, H)
        return np.asarray(plain @ self.linear + self.bias + hidden @ self.outer)

    def logits(self, features: Floats) -> DoubleFloats:
        """(C,) calibrated log-odds; every candidate is taken to stand at the same place."""
        return self.slope * self.raw(at_served_place(features)) + self.shift

    def chances(self, features: Floats) -> DoubleFloats:
        """(C,) from 0 to 1."""
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(self.logits(features), -40, 40))))

    def contributions(
        self, features: Floats, usual: Floats | None = None
    ) -> list[dict[str, float]]:
        """For each candidate what each group of features adds to its log-odds.

        They add up to the log-odds of the candidate less those of the usual one. A group's part is
        what it adds on average over all orders in which groups could be told, so that what two
        groups do only together is shared between them.

        Source: Shapley, A value for n-person games, 1953; Lundberg and Lee, A unified approach to
        interpreting model predictions, NeurIPS 2017. Differs from the paper: the players are groups
        of features, and what is not told is as in one usual candidate instead of drawn.

        Args:
            features: (C, F).
            usual: (F,) of a usual candidate; the mean of these where it is left out.
        """
        usual = features.mean(axis=0) if usual is None else usual
        # A group that is as in the usual one adds nothing, whatever the others are.
        differs = np.abs(features - usual) > 1e-6 + 1e-5 * np.abs(usual)  # (C, F)
        players = [name for name in GROUPS if differs[:, COLUMNS[name]].any()]
        parts = np.zeros((len(features), len(players)))
        if players and len(features):
            parts = self._shares(features, usual, players)
        return [
            dict.fromkeys(GROUPS, 0.0)
            | {name: round(float(part), 4) for name, part in zip(players, row, strict=True)}
            for row in parts
        ]

    def _shares(self, features: Floats, usual: Floats, players: list[str]) -> DoubleFloats:
        """(C, P) Shapley values of P groups."""
        count = len(players)
        subsets = np.array(list(product((False, True), repeat=count)))  # (2^P, P)
        masks = np.zeros((len(subsets), len(NAMES)), bool)
        for place, name in enumerate(players):
            masks[:, COLUMNS[name]] = subsets[:, place, None]
        tables = np.where(masks[:, None, :], features[None], usual)  # (2^P, C, F)
        flat = self.logits(tables.reshape(-1, len(NAMES)).astype(np.float32))
        values = flat.reshape(len(subsets), len(features))  # (2^P, C)
        sizes = subsets.sum(axis=1)
        weights = np.array([1 / (count * comb(count - 1, size)) for size in range(count)])
        shares = np.zeros((len(features), count))
        for place in range(count):
            has = subsets[:, place]
            # In the order of product() the subsets with a group and those without it match.
            gained = values[has] - values[~has]
            shares[:, place] = weights[sizes[~has]] @ gained
        return shares

    def tensors(self) -> dict[str, npt.NDArray[np.float64]]:
        """Everything that is saved, as arrays."""
        return {
            "mean": self.mean, "scale": self.scale, "linear": self.linear,
            "bias": np.array([self.bias, self.slope, self.shift]), "inner": self.inner,
            "inner_bias": self.inner_bias, "outer": self.outer,
        }  # fmt: skip


def from_arrays(config: Mapping[str, Any], tensors: Arrays) -> QueryRanker:
    """A ranker as it was saved.

    Raises:
        ValueError: where it reads other features than this release makes.
        KeyError: where an array is missing.
    """
    if tuple(config["features"]) != NAMES:
        raise ValueError("It reads other features than this release makes.")
    bias, slope, shift = (float(each) for each in tensors["bias"])
    arrays = {
        name: np.asarray(tensors[name], np.float64)
        for name in ("mean", "scale", "linear", "inner", "inner_bias", "outer")
    }
    if arrays["mean"].shape != (len(NAMES),) or arrays["inner"].shape[0] != len(NAMES):
        raise ValueError("Its arrays are of other sizes than its features.")
    return QueryRanker(**arrays, bias=bias, slope=slope, shift=shift)
