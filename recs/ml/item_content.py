"""What is known of items without anybody's behaviour: vectors of each modality, attributes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributes:
    """Attributes of items as a sparse table: those of row r are `values[offsets[r]:offsets[r+1]]`.

    `offsets`: (N + 2,) int64. `values`: int64, numbers from 0 to `size` - 1.
    """

    offsets: Ints
    values: Ints
    size: int

    @classmethod
    def of_lists(cls, lists: Sequence[Sequence[int]], size: int) -> "Attributes":
        """Of one list for each row, the padding row's (an empty one) included."""
        lengths = [len(values) for values in lists]
        return cls(
            offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            values=np.fromiter((v for values in lists for v in values), np.int64, sum(lengths)),
            size=size,
        )

    @classmethod
    def none(cls, item_count: int) -> "Attributes":
        """No item has any."""
        return cls(offsets=np.zeros(item_count + 2, np.int64), values=np.zeros(0, np.int64), size=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemContent:
    """Frozen content of N items.

    `vectors`: for each modality ("text", "image", "audio") (N + 1, D) float32; a row of zeros
    means that the item lacks it (row 0 always does). `attributes`: see there.
    """

    item_count: int
    vectors: Mapping[str, Floats] = field(default_factory=dict)
    attributes: Attributes

    def __post_init__(self) -> None:
        """Refuse tables of another length."""
        for name, table in self.vectors.items():
            if len(table) != self.item_count + 1:
                raise ValueError(f"{name} has {len(table)} rows for {self.item_count} items.")
        if len(self.attributes.offsets) != self.item_count + 2:
            raise ValueError("attributes has one row for each item and the padding.")

    @classmethod
    def none(cls, item_count: int) -> "ItemContent":
        """Nothing is known of any."""
        return cls(item_count=item_count, attributes=Attributes.none(item_count))

    @classmethod
    def of_text(cls, vectors: Floats) -> "ItemContent":
        """Text alone is known: (N + 1, D) float32, row 0 zeros."""
        count = len(vectors) - 1
        return cls(item_count=count, vectors={"text": vectors}, attributes=Attributes.none(count))

    def has(self, modality: str) -> Bools:
        """(N + 1,) bool, which items have it."""
        return np.asarray((self.vectors[modality] != 0).any(axis=1))
