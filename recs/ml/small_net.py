"""The second look's network in NumPy: what the web process computes with."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import erf

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SmallNet:
    """Two hidden layers beside a linear one, of standardised features.

    `layers`: weight and bias of the first, second, last and straight layer, (out, in) and (out,).
    """

    mean: Floats
    scale: Floats
    layers: Mapping[str, tuple[Floats, Floats]]

    def added(self, features: Floats) -> Floats:
        """What is added to each candidate's score: (B, C) of (B, C, inputs) float32."""
        read = (features - self.mean) / self.scale
        hidden = _gelu(self._layer("second", _gelu(self._layer("first", read))))
        both = self._layer("last", hidden) + self._layer("straight", read)
        return np.asarray(both[..., 0], np.float32)

    def lifted(self, feature: int, lift: float) -> "SmallNet":
        """The same net, with `lift` times that feature added to what it adds."""
        weight, bias = (part.copy() for part in self.layers["straight"])
        weight[0, feature] += lift * self.scale[feature]
        bias[0] += lift * self.mean[feature]
        return replace(self, layers={**self.layers, "straight": (weight, bias)})

    def to_arrays(self) -> dict[str, Floats]:
        """For an artifact."""
        found = {"mean": self.mean, "scale": self.scale}
        for name, (weight, bias) in self.layers.items():
            found[f"{name}.weight"], found[f"{name}.bias"] = weight, bias
        return found

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, Floats]) -> "SmallNet":
        """What to_arrays() gave.

        Raises:
            KeyError: where one is missing.
        """
        layers = {
            name: (arrays[f"{name}.weight"], arrays[f"{name}.bias"])
            for name in ("first", "second", "last", "straight")
        }
        return cls(mean=arrays["mean"], scale=arrays["scale"], layers=layers)

    def _layer(self, name: str, values: Floats) -> Floats:
        weight, bias = self.layers[name]
        return np.asarray(values @ weight.T + bias, np.float32)


def arrays_of(nets: tuple[SmallNet, ...]) -> dict[str, Floats]:
    """For an artifact."""
    return {
        f"reranker.{number}.{name}": array
        for number, net in enumerate(nets)
        for name, array in net.to_arrays().items()
    }


def nets_of(arrays: Mapping[str, npt.NDArray[Any]]) -> tuple[SmallNet, ...]:
    """What arrays_of() gave; other names are passed over."""
    found: dict[int, dict[str, Floats]] = {}
    for name, array in arrays.items():
        if name.startswith("reranker."):
            _, number, part = name.split(".", 2)
            found.setdefault(int(number), {})[part] = np.asarray(array, np.float32)
    return tuple(SmallNet.of_arrays(found[number]) for number in sorted(found))


def _gelu(values: Floats) -> Floats:
    return np.asarray(values * 0.5 * (1.0 + erf(values / np.sqrt(2.0))), np.float32)
