"""What an item is to a network: its own embedding, its content and its codes, mixed by a gate."""

import numpy as np
import torch
from torch import Tensor, nn

from recs.ml.buckets import KNOWN_BUCKETS, known_bucket
from recs.ml.item_tables import ItemSideConfig, ItemTables, as_arrays

__all__ = ("INITIAL_SCALE", "ItemSide", "ItemSideConfig", "ItemTables", "as_arrays")

INITIAL_SCALE = 0.02


class ItemSide(nn.Module):
    """Vectors of items, as candidates and as events of a history, from the same weights.

    vector = 2 (b id + (1 - b) (content map + attributes + codes)), b = sigmoid(gate of the bucket
    of how many events the item had), so that an item nobody knows leans on its content alone.

    Source: Chen et al., A Multi-modal Modeling Framework for Cold-start Short-video
        Recommendation, RecSys 2024 (the gate on view counts, a trainable table beside the mapped
        content); Volkovs et al., DropoutNet, NeurIPS 2017 (hiding known items in training).
    Differs from the papers: both sides are added, not laid side by side, so that one dot product
        stays one; the item that nobody knows has no own embedding at all (b = 0).
    """

    content: Tensor
    codes: Tensor
    counts: Tensor
    attribute_offsets: Tensor
    attribute_values: Tensor

    def __init__(self, config: ItemSideConfig, tables: ItemTables, embedding_size: int) -> None:
        """Weights for items of these tables; the tables themselves are no weights.

        Raises:
            ValueError: where no part of an item is left: no IDs, and nothing known of any.
        """
        super().__init__()
        self.config = config
        self.use(tables)
        rows, width = len(tables.counts), tables.content.shape[1]
        self.ids = _table(rows, embedding_size) if config.use_ids else None
        self.map = nn.Linear(width, embedding_size, bias=False) if self._has_content else None
        if self.map is not None:
            nn.init.normal_(self.map.weight, std=3 * INITIAL_SCALE / width**0.5)
        self.code_tables = nn.ModuleList(
            _table(size + 1, embedding_size)
            for size in (tables.code_sizes if config.use_codes else ())
        )
        has_attributes = config.use_attributes and tables.attributes
        self.attribute_table = (
            nn.EmbeddingBag(tables.attributes, embedding_size, mode="sum")
            if has_attributes
            else None
        )
        if self.attribute_table is not None:
            nn.init.normal_(self.attribute_table.weight, std=INITIAL_SCALE)
        if self.ids is None and not self._has_sides:
            raise ValueError("An item needs its ID where nothing is known of any item.")
        self.gate = nn.Parameter(torch.zeros(KNOWN_BUCKETS)) if config.use_gate else None

    @property
    def _has_content(self) -> bool:
        return self.config.use_content and self.content.shape[1] > 0

    @property
    def _has_sides(self) -> bool:
        """Whether anything but the ID makes up an item."""
        return bool(self.map is not None or self.attribute_table is not None or self.code_tables)

    def use(self, tables: ItemTables) -> None:
        """Read the facts of other items from now on (new ones, or fewer)."""
        for name, values in (
            ("content", tables.content),
            ("codes", tables.codes),
            ("counts", known_bucket(tables.counts)),
            ("attribute_offsets", tables.attribute_offsets),
            ("attribute_values", tables.attribute_values),
        ):
            self.register_buffer(
                name, torch.from_numpy(np.ascontiguousarray(values)), persistent=False
            )

    def content_side(self) -> Tensor:
        """(N + 1, D), what content, attributes and codes say; row 0 is zero."""
        parts = []
        if self.map is not None:
            parts.append(self.map(self.content))
        if self.attribute_table is not None:
            sums = self.attribute_table(self.attribute_values, self.attribute_offsets[:-1])
            lengths = self.attribute_offsets.diff().clamp(min=1)
            parts.append(sums / lengths.sqrt().unsqueeze(1))
        parts += [
            table(column) for table, column in zip(self.code_tables, self.codes.T, strict=False)
        ]
        if not parts:
            return self.ids.weight.new_zeros(len(self.counts), self.ids.embedding_dim)  # type: ignore[union-attr]
        return torch.stack(parts).sum(dim=0)

    def hidden_items(self) -> Tensor | None:
        """(N + 1,) bool, the items that this step of training takes for new; None for none."""
        if not (self.training and self.config.cold_share and self.ids is not None):
            return None
        return torch.rand(len(self.counts), device=self.counts.device) < self.config.cold_share

    def mix(self, own: Tensor, content: Tensor, known: Tensor) -> Tensor:
        """One vector of both sides.

        Args:
            own: (..., D) float, embeddings of the items themselves.
            content: (..., D) float, their content sides.
            known: (...) int64, bucket of how many events each item had; 0 hides `own`.

        Returns:
            (..., D) float.
        """
        if self.ids is None:
            return content
        if not self._has_sides:
            return own
        gate = self.gate[known] if self.gate is not None else own.new_zeros(known.shape)
        share = torch.where(known > 0, torch.sigmoid(gate), 0.0).unsqueeze(-1)
        return 2 * (share * own + (1 - share) * content)

    def own(self) -> Tensor:
        """(N + 1, D), embeddings of the items themselves; zeros without."""
        if self.ids is None:
            return self.content.new_zeros(len(self.counts), 1)
        return self.ids.weight


def _table(rows: int, size: int) -> nn.Embedding:
    """An embedding table whose row 0 is zero and stays so."""
    table = nn.Embedding(rows, size, padding_idx=0)
    nn.init.normal_(table.weight, std=INITIAL_SCALE)
    with torch.no_grad():
        table.weight[0] = 0.0
    return table
