"""Who puts recommended queries in order: the live ranker, or the stated score and why not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from recs import registry
from recs.errors import NoLiveVersion, UnusableVersion
from recs.loaded import Loaded
from recs.ml.query_ranking.ranker import QueryRanker, from_arrays
from recs.models import ModelVersion

KIND = ModelVersion.Kind.QUERY_RANKER
SWITCHED_OFF = "switched_off"

Floats = npt.NDArray[np.float32]


class Served(NamedTuple):
    """A version in memory: the ranker, and how many queries it learned to be worth showing."""

    ranker: QueryRanker
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Orderer:
    """The version that orders, or the code of why the stated score does."""

    version: str = ""
    served: Served | None = None
    fallback: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)

    def explain(self, features: Floats, among: Floats) -> list[dict[str, float]]:
        """For each candidate what it owes to each group of features; nothing without a ranker.

        Args:
            features: (C, F) of the candidates.
            among: (N, F) of all that could have stood here: the usual one is their mean.
        """
        if self.served is None or not len(features):
            return [{} for _ in range(len(features))]
        return self.served.ranker.contributions(features, among.mean(axis=0))

    def worth(self, features: Floats, stated: Sequence[float]) -> list[float]:
        """What each candidate is worth: its chance by the ranker, else its stated score."""
        if self.served is None or not len(features):
            return list(stated)
        return [float(chance) for chance in self.served.ranker.chances(features)]


def orderer(*, is_on: bool = True) -> Orderer:
    """The live version; where there is none, or it cannot be used, the stated score."""
    if not is_on:
        return Orderer(fallback=SWITCHED_OFF)
    version = registry.live(KIND)
    if version is None:
        return Orderer(fallback=NoLiveVersion.code)
    try:
        served = load_ranker(version)
    except UnusableVersion as error:
        return Orderer(fallback=error.code)
    return Orderer(version=version.name, served=served, counts=served.counts)


def load_ranker(version: ModelVersion) -> Served:
    """A version, read from its folder at the first call in a process.

    Raises:
        UnusableVersion: for a folder that is missing, changed, or of another release.
    """
    return _rankers.get(version)


def forget_rankers() -> None:
    """Load them anew at the next call."""
    _rankers.forget()


def _read(version: ModelVersion) -> Served:
    artifact = registry.load(version)
    try:
        ranker = from_arrays(artifact.config, artifact.tensors)
        counts = {str(name): int(n) for name, n in artifact.config["counts"].items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UnusableVersion(f"{version} cannot be used: {error}") from error
    return Served(ranker, counts)


_rankers = Loaded(_read)
