"""The ranker's networks in NumPy: what a web process ranks with, and what each group adds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from recs.ml.unified.features import GROUP_OF, GROUPS, NAMES_OF_ALL

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class RankerArrays:
    """Weights of `ranker_net.RankerNet`, with the scale of its features.

    `weights`: by name as torch calls them. `mean`, `scale`: (F,) float32.
    """

    weights: Mapping[str, Floats]
    mean: Floats
    scale: Floats

    def logits(self, features: Floats) -> Floats:
        """(...,) float32 of (..., F) raw features."""
        read = (features - self.mean) / self.scale
        crossed = read
        for number in range(self._count("crosses")):
            crossed = read * self._layer(f"crosses.{number}", crossed) + crossed
        parts = [crossed]
        if "first.weight" in self.weights:
            states = np.maximum(self._layer("first", read), 0.0)
            for number in range(self._count("blocks")):
                states = states + np.maximum(self._layer(f"blocks.{number}", states), 0.0)
            parts.append(states)
        logits = self._layer("last", np.concatenate(parts, axis=-1))
        return np.asarray(logits[..., 0], np.float32)

    def _count(self, kind: str) -> int:
        return sum(name.startswith(f"{kind}.") and name.endswith("weight") for name in self.weights)

    def _layer(self, name: str, values: Floats) -> Floats:
        weight, bias = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        return np.asarray(values @ weight.T + bias, np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class RankerScores:
    """Networks that are averaged, and what makes odds of their mean.

    `calibration`: slope and constant. `without`: features, or groups of them, that are not read.
    """

    nets: tuple[RankerArrays, ...]
    calibration: tuple[float, float] = (1.0, 0.0)
    without: tuple[str, ...] = ()

    @property
    def parameters(self) -> int:
        """How many numbers were learned, all networks together."""
        return sum(weight.size for net in self.nets for weight in net.weights.values())

    def logits(self, features: Floats) -> Floats:
        """(...,) float32 calibrated log-odds that a candidate is chosen, of (..., F) features."""
        slope, constant = self.calibration
        read = features * columns_read(self.without)
        return np.asarray(slope * mean_logits(self.nets, read) + constant, np.float32)

    def contributions(self, features: Floats, usual: Floats) -> Floats:
        """(C, len(GROUPS)) float32: how much of a candidate's log-odds each group is the reason of.

        With a group's features as they usually are the log-odds fall by so much. The groups are
        taken one at a time, so what two say together counts for both: the sum is not the whole.

        Source: the "leave one covariate out" of Lei et al., Distribution-Free Predictive Inference
            for Regression, JASA 2018, section 6, for one prediction and groups of covariates.

        Args:
            features: (C, F) of the candidates that are explained.
            usual: (F,), the features of a usual candidate of the same request.
        """
        whole = self.logits(features)
        columns = []
        for group in GROUPS:
            is_own = np.array([one == group for one in GROUP_OF])
            columns.append(whole - self.logits(np.where(is_own, usual, features)))
        return np.stack(columns, axis=1).astype(np.float32)

    def tensors(self) -> dict[str, npt.NDArray[Any]]:
        """What is saved of the networks."""
        found: dict[str, npt.NDArray[Any]] = {}
        for number, net in enumerate(self.nets):
            arrays = {**net.weights, "mean": net.mean, "scale": net.scale}
            found |= {f"{number}.{name}": array for name, array in arrays.items()}
        return found

    @classmethod
    def of_tensors(
        cls,
        tensors: Mapping[str, npt.NDArray[Any]],
        *,
        calibration: Sequence[float],
        without: Sequence[str] = (),
    ) -> "RankerScores":
        """The networks that tensors() gave.

        Raises:
            KeyError: where a part is missing.
            ValueError: where they read other features than there are.
        """
        numbers = sorted({int(name.partition(".")[0]) for name in tensors})
        nets = []
        for number in numbers:
            prefix = f"{number}."
            own = {n.removeprefix(prefix): a for n, a in tensors.items() if n.startswith(prefix)}
            mean, scale = own.pop("mean"), own.pop("scale")
            if len(mean) != len(NAMES_OF_ALL):
                raise ValueError(f"The ranker reads {len(mean)} features, not {len(NAMES_OF_ALL)}.")
            nets.append(RankerArrays(weights=own, mean=mean, scale=scale))
        if not nets:
            raise KeyError("nets")
        return cls(
            nets=tuple(nets),
            calibration=(float(calibration[0]), float(calibration[1])),
            without=tuple(without),
        )


def mean_logits(nets: Sequence[RankerArrays], features: Floats) -> Floats:
    """(...,) float32, the mean of the networks."""
    return np.asarray(np.mean([net.logits(features) for net in nets], axis=0), np.float32)


def columns_read(without: Sequence[str]) -> Floats:
    """(F,) float32, 0 for features that are not read.

    Raises:
        ValueError: for a name that no feature and no group has.
    """
    if unknown := set(without) - set(NAMES_OF_ALL) - set(GROUP_OF):
        raise ValueError(f"There is no feature or group {sorted(unknown)}.")
    pairs = zip(NAMES_OF_ALL, GROUP_OF, strict=True)
    read = [name not in without and group not in without for name, group in pairs]
    return np.array(read, np.float32)
