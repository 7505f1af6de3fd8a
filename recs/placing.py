"""How each kind of model places items among its vectors: what it reads, and what it makes of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from recs.item_contents import read_content
from recs.ml.served_model import ServedModel
from recs.ml.unified.served import ServedUnified
from recs.models import ContentVersion, ModelVersion
from recs.stated_items import stated
from recs.unified_models import KIND as UNIFIED
from recs.unified_models import load_unified, text_version
from recs.user_models import contents_of, item_rows, load_model

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


class Placing(Protocol):
    """What writes an item's vector needs of a version."""

    @property
    def contents(self) -> Mapping[str, ContentVersion]:
        """The versions of content that it reads, by modality: other content, another vector."""

    @property
    def longest(self) -> float:
        """The length of the longest vector."""

    def rows(self, item_ids: list[int]) -> Ints:
        """(n,) int64 rows of items, 0 for those that came later."""

    def vectors(self, item_ids: list[int], rows: Ints) -> Floats:
        """(n, D) float32 of items at these rows."""


def placing_of(version: ModelVersion) -> Placing:
    """How a version of any kind with vectors places items.

    Raises:
        UnusableVersion: where it cannot be loaded.
    """
    if version.kind == UNIFIED:
        return _Unified(load_unified(version))
    return _UserModel(load_model(version))


@dataclass(frozen=True, slots=True)
class _UserModel:
    model: ServedModel

    @property
    def contents(self) -> Mapping[str, ContentVersion]:
        return contents_of(self.model)

    @property
    def longest(self) -> float:
        rows = np.arange(1, len(self.model.vocabulary) + 1)
        return float(np.linalg.norm(self.model.vectors(rows), axis=1).max(initial=0.0))

    def rows(self, item_ids: list[int]) -> Ints:
        return item_rows(self.model, item_ids)

    def vectors(self, item_ids: list[int], rows: Ints) -> Floats:
        content = read_content(item_ids, versions=self.contents, attributes=self.model.attributes)
        return self.model.encode_items(rows, content.content)


@dataclass(frozen=True, slots=True)
class _Unified:
    model: ServedUnified

    @property
    def contents(self) -> Mapping[str, ContentVersion]:
        return {ContentVersion.TEXT: text_version(self.model)}

    @property
    def longest(self) -> float:
        # Unit length, then the qualities, each at most 1.
        return float(np.sqrt(1.0 + len(self.model.weights)))

    def rows(self, item_ids: list[int]) -> Ints:
        return self.model.vocabulary.rows(map(str, item_ids))

    def vectors(self, item_ids: list[int], rows: Ints) -> Floats:
        return self.model.stored_vectors(rows, stated(item_ids, text_version(self.model)))
