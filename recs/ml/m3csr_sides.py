"""What the towers of M3CSR read of people and of items: rows and lists, no vectors."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Self

import torch
from torch import Tensor


class _Rows:
    """Tensors of one length that move and are cut together."""

    __slots__ = ()

    def __len__(self) -> int:
        """B."""
        return len(next(iter(self._tensors())))

    def to(self, device: torch.device | str) -> Self:
        """The same on a device."""
        return self._each(lambda part: part.to(device))

    def rows(self, start: int, stop: int) -> Self:
        """Some of the rows."""
        return self._each(
            lambda part: part[start:stop] if isinstance(part, Tensor) else part.rows(start, stop)
        )

    def _tensors(self) -> list[Tensor]:
        return [getattr(self, field.name) for field in fields(self)]  # type: ignore[arg-type]

    def _each(self, change: Callable[..., object]) -> Self:
        return type(self)(*(change(part) for part in self._tensors()))


@dataclass(frozen=True, slots=True)
class PersonSide(_Rows):
    """B people; n list entries, H history items, P pooled items.

    `person`: (B,) 0 unknown, else a row of the people's table. `pool`: (B, P) newest items, which
    stand for the person. `history`: (B, H) items attended to. `near_people`: (B, n) rows of the
    people's table of those who took items of the history, 0 none. `near_pools`: (B, n, P) their
    newest items.
    """

    person: Tensor
    pool: Tensor
    history: Tensor
    near_people: Tensor
    near_pools: Tensor


@dataclass(frozen=True, slots=True)
class ItemSide(_Rows):
    """B items.

    `items`: (B,) rows. `ids`: (B,) the same, 0 where the item's own vector may not be used since
    nobody had taken it. `known`: (B,) bucket of how many had. `near_people`, `near_pools`: who had,
    as above. `near_items`: (B, n) what else those took.
    """

    items: Tensor
    ids: Tensor
    known: Tensor
    near_people: Tensor
    near_pools: Tensor
    near_items: Tensor


@dataclass(frozen=True, slots=True)
class PairBatch(_Rows):
    """B people, each with an item taken next and one that was not."""

    people: PersonSide
    taken: ItemSide
    other: ItemSide

    @property
    def terms(self) -> int:
        """B: each pair is one term of the loss."""
        return len(self)
