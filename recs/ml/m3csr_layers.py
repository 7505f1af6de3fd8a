"""Layers of M3CSR: attention over a short list, the modal encoder, the decoupling term."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


class ListAttention(nn.Module):
    """One query over a padded list; an empty list gives zeros.

    Source: the authors' code: heads of 16 and one scale of 1 over the root of the whole size (1/8
    for 64). Differs from it: no output map, since the towers map what comes out anyway.
    """

    def __init__(self, size: int, list_size: int, heads: int) -> None:
        """Queries of `size`, list entries of `list_size`, results of `size`."""
        super().__init__()
        self.heads, self.scale = heads, size**-0.5
        self.query = nn.Linear(size, size, bias=False)
        self.key = nn.Linear(list_size, size, bias=False)
        self.value = nn.Linear(list_size, size, bias=False)

    def forward(self, query: Tensor, entries: Tensor, real: Tensor) -> Tensor:
        """Weighted mean of the entries.

        Args:
            query: (B, D); no gradient goes into it.
            entries: (B, n, list_size).
            real: (B, n) bool, False where the list is padded.

        Returns:
            (B, D).
        """
        asked = self._split(self.query(query.detach())[:, None])  # (B, heads, 1, D / heads)
        keys, values = self._split(self.key(entries)), self._split(self.value(entries))
        scores = (asked @ keys.transpose(-1, -2)) * self.scale  # (B, heads, 1, n)
        mask = real[:, None, None, :]
        # A list without an entry has weights of 0, not of 0 / 0.
        weights = torch.softmax(scores.masked_fill(~mask, -1e9), dim=-1) * mask
        return torch.as_tensor((weights @ values).transpose(1, 2).flatten(1))  # (B, D)

    def _split(self, values: Tensor) -> Tensor:
        *shape, size = values.shape
        return values.reshape(*shape, self.heads, size // self.heads).transpose(1, 2)


class ModalEncoder(nn.Module):
    """Content and cluster of an item to keys and to its side of the tower, for every modality.

    The only place where content enters: candidates and items of histories go through this object.
    """

    def __init__(
        self, sizes: Mapping[str, int], *, cluster_count: int, size: int, use: tuple[bool, bool]
    ) -> None:
        """For modalities of these sizes; `use`: the dense path, the cluster tables."""
        super().__init__()
        self.size, (self.use_dense, self.use_tables) = size, use
        self.dense = nn.ModuleDict({m: nn.Linear(n, size, bias=False) for m, n in sizes.items()})
        self.tables = nn.ModuleDict({m: padded_table(cluster_count + 1, size) for m in sizes})
        self.tops = nn.ModuleDict({m: nn.Linear(2 * size, size, bias=False) for m in sizes})

    def keys(self, modality: str, vectors: Tensor, clusters: Tensor) -> Tensor:
        """[W_m x ; C_m[c]] of items.

        Args:
            modality: which.
            vectors: (..., size of the modality), frozen content; zeros where an item lacks it.
            clusters: (...) int64, 0 for none.

        Returns:
            (..., 2 D); zeros for an item that lacks the modality.
        """
        has = (vectors != 0).any(dim=-1)
        dense = self.dense[modality](vectors)
        learned = self.tables[modality](clusters * has)
        if not self.use_dense:
            dense = torch.zeros_like(learned)
        if not self.use_tables:
            learned = torch.zeros_like(dense)
        return torch.cat([dense, learned], dim=-1)

    def tops_of(self, modality: str, keys: Tensor) -> Tensor:
        """(..., D) of unit length, from keys (..., 2 D); zeros stay zeros."""
        return functional.normalize(self.tops[modality](keys), dim=-1)


def padded_table(rows: int, size: int) -> nn.Embedding:
    """A trainable table whose vectors are about of unit length, row 0 zeros for good."""
    table = nn.Embedding(rows, size, padding_idx=0)
    nn.init.normal_(table.weight, std=size**-0.5)
    table.weight.data[0] = 0.0
    return table


def decoupling(interests: Sequence[Tensor]) -> Tensor:
    """How much the interests of different modalities look alike, to be kept small.

    Args:
        interests: M tensors (B, D).

    Returns:
        () sum over pairs of modalities of the squared Frobenius norm of U_m U_m'^T (B, B), divided
        by B squared; made from (D, D) products, so that it costs no B squared.
    """
    grams = [u.T @ u for u in interests]
    total = interests[0].new_zeros(())
    for place, one in enumerate(grams):
        for other in grams[place + 1 :]:
            # ||A B^T||^2 = trace(A^T A B^T B)
            total = total + (one * other).sum()
    return total / max(len(interests[0]), 1) ** 2
