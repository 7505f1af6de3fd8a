"""From content to the tables a network reads; what was fitted on the way maps new items too."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from recs.ml.content_map import ContentMap, fit_content_map
from recs.ml.item_content import ItemContent
from recs.ml.item_tables import ItemTables
from recs.ml.semantic_ids import (
    NO_CODE,
    SemanticIdConfig,
    SemanticIds,
    fit_semantic_ids,
    random_codes,
    shuffled_codes,
)

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

CODE_KINDS = ("semantic", "random", "shuffled")


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemFactsConfig:
    """How content becomes tables. `codes`: "semantic", or a control ("random", "shuffled")."""

    content_width: int = 128
    semantic_ids: SemanticIdConfig = field(default_factory=SemanticIdConfig)
    codes: str = "semantic"
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse an unknown kind of codes."""
        if self.codes not in CODE_KINDS:
            raise ValueError(f"codes is one of {', '.join(CODE_KINDS)}, not {self.codes!r}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemFacts:
    """Fitted maps of content: a whitening and, where there is content, semantic IDs.

    `semantic_ids` None: nothing is known of any item, so there are no codes.
    """

    config: ItemFactsConfig
    content_map: ContentMap
    semantic_ids: SemanticIds | None

    @property
    def code_sizes(self) -> tuple[int, ...]:
        """Sizes of the flat ID and of each level of the residual codes."""
        if self.semantic_ids is None:
            return ()
        return self.semantic_ids.flat.sizes + self.semantic_ids.residual.sizes

    def codes(self, content: ItemContent) -> Ints:
        """(N + 1, 1 + L) int64: the flat ID and the residual codes, from 1; 0 where none."""
        if self.semantic_ids is None:
            return np.zeros((content.item_count + 1, 0), np.int64)
        flat = self.semantic_ids.flat.assign(content.vectors)
        residual = self.semantic_ids.residual.assign(content.vectors)
        codes = np.concatenate([flat, residual], axis=1)
        if self.config.codes == "shuffled":
            codes[1:] = shuffled_codes(codes[1:], seed=self.config.seed)
        if self.config.codes == "random":
            drawn = random_codes(len(codes), self.code_sizes, seed=self.config.seed)
            codes = np.where(codes == NO_CODE, NO_CODE, drawn)
        codes = codes + 1
        codes[0] = 0
        return codes

    def tables(self, content: ItemContent, counts: Ints) -> ItemTables:
        """What a network reads of these items.

        Args:
            content: of N items.
            counts: (N + 1,) int64, events of each as known now.
        """
        return ItemTables(
            content=self.content_map.apply(content.vectors, content.item_count + 1),
            codes=self.codes(content),
            code_sizes=self.code_sizes,
            attribute_offsets=content.attributes.offsets,
            attribute_values=content.attributes.values,
            attributes=content.attributes.size,
            counts=counts,
        )

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """For an artifact."""
        codes = {} if self.semantic_ids is None else self.semantic_ids.to_arrays()
        return {**self.content_map.to_arrays(), **{f"ids.{n}": a for n, a in codes.items()}}

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, npt.NDArray[Any]], config: ItemFactsConfig
    ) -> "ItemFacts":
        """What to_arrays() gave; other names are passed over."""
        ids = {n.removeprefix("ids."): a for n, a in arrays.items() if n.startswith("ids.")}
        return cls(
            config=config,
            content_map=ContentMap.from_arrays(arrays),
            semantic_ids=SemanticIds.from_arrays(ids) if ids else None,
        )


def fit_item_facts(
    content: ItemContent,
    available: Bools,
    config: ItemFactsConfig,
    semantic_ids: SemanticIds | None = None,
) -> ItemFacts:
    """Fit on the items that existed before the moment of fitting.

    Args:
        content: of all N items.
        available: (N + 1,) bool; of the others nothing is learned.
        config: see its fields.
        semantic_ids: those that the installation has already; None fits them here.
    """
    fitted = {
        name: table
        for name, table in content.vectors.items()
        if (table[available] != 0).any(axis=1).sum() > 1
    }
    if semantic_ids is None and fitted:
        semantic_ids = fit_semantic_ids(
            fitted, config=config.semantic_ids, seed=config.seed, available=available
        )
    return ItemFacts(
        config=config,
        content_map=fit_content_map(fitted, width=config.content_width, available=available),
        semantic_ids=semantic_ids,
    )
