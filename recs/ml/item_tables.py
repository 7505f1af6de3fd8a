"""Frozen facts of items in the form a network reads; NumPy only, for training and serving."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemSideConfig:
    """Which parts an item has. Sizes of the tables come with the tables (`ItemTables`)."""

    use_ids: bool = True
    use_content: bool = True
    use_attributes: bool = True
    use_codes: bool = True
    use_gate: bool = True
    # Share of items that a step of training takes for new: their own embedding is hidden, so that
    # content learns to stand alone. It costs known items more than it gives new ones, whose scores
    # the mixture makes comparable (docs/experiments.md), so it is off.
    cold_share: float = 0.0

    def __post_init__(self) -> None:
        """Refuse an item that is made of nothing."""
        if not (self.use_ids or self.use_content or self.use_attributes or self.use_codes):
            raise ValueError("An item needs at least one part.")
        if not 0.0 <= self.cold_share < 1.0:
            raise ValueError("cold_share goes from 0 to below 1.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemTables:
    """Frozen facts of N items in the form a network reads; row 0 is padding.

    `content`: (N + 1, W) float32, mapped content of all modalities side by side, zeros where an
    item lacks one. `codes`: (N + 1, L) int64, from 1; 0 where an item has none. `code_sizes`: L
    numbers of codes. `attribute_offsets`: (N + 2,) and `attribute_values`: int64, as in
    `item_content.Attributes`; `attributes`: how many there are. `counts`: (N + 1,) int64, events
    of each item as known when the tables were made.
    """

    content: Floats
    codes: Ints
    code_sizes: tuple[int, ...]
    attribute_offsets: Ints
    attribute_values: Ints
    attributes: int
    counts: Ints

    @property
    def item_count(self) -> int:
        """N."""
        return len(self.counts) - 1

    def rows(self, rows: Ints) -> "ItemTables":
        """Tables of these items alone, a padding row first."""
        kept = np.concatenate([[0], np.asarray(rows, np.int64)])
        lengths = np.diff(self.attribute_offsets)[kept]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        starts = np.repeat(self.attribute_offsets[kept] - offsets[:-1], lengths)
        return replace(
            self,
            content=self.content[kept],
            codes=self.codes[kept],
            counts=self.counts[kept],
            attribute_offsets=offsets,
            attribute_values=self.attribute_values[starts + np.arange(offsets[-1])],
        )


def as_arrays(tables: ItemTables) -> dict[str, npt.NDArray[np.generic]]:
    """For an artifact: every field that is an array, and the sizes as one."""
    arrays = {
        field.name: getattr(tables, field.name)
        for field in fields(tables)
        if isinstance(getattr(tables, field.name), np.ndarray)
    }
    return {**arrays, "code_sizes": np.array([*tables.code_sizes, tables.attributes], np.int64)}


def of_arrays(arrays: Mapping[str, npt.NDArray[np.generic]]) -> ItemTables:
    """What as_arrays() gave; other names are passed over.

    Raises:
        KeyError: where an array is missing.
    """
    *sizes, attributes = np.asarray(arrays["code_sizes"]).tolist()
    return ItemTables(
        content=np.asarray(arrays["content"], np.float32),
        codes=np.asarray(arrays["codes"], np.int64),
        code_sizes=tuple(sizes),
        attribute_offsets=np.asarray(arrays["attribute_offsets"], np.int64),
        attribute_values=np.asarray(arrays["attribute_values"], np.int64),
        attributes=attributes,
        counts=np.asarray(arrays["counts"], np.int64),
    )
