"""Layers that both towers are made of."""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from scipy import sparse
from torch import Tensor, nn

from recs.ml.unified.config import TowerConfig
from recs.ml.unified.inputs import ItemInputs, WordInputs, principal_axes

SMALL = 0.02


class SparseRows(nn.Module):
    """A sparse table of NumPy's world, of which rows go through an embedding table."""

    starts: Tensor
    values: Tensor
    weights: Tensor

    def __init__(self, table: sparse.csr_matrix) -> None:
        super().__init__()
        self.use(table)

    def use(self, table: sparse.csr_matrix) -> None:
        """Read another table from now on."""
        for name, array in (
            ("starts", table.indptr.astype(np.int64)),
            ("values", table.indices.astype(np.int64)),
            ("weights", table.data.astype(np.float32)),
        ):
            self.register_buffer(name, torch.from_numpy(array), persistent=False)

    def forward(self, rows: Tensor, table: Tensor) -> Tensor:
        """(R, D): the weighted sum of the entries' vectors; (size, D) is the table."""
        begin = self.starts[rows]
        lengths = self.starts[rows + 1] - begin
        offsets = torch.cumsum(lengths, 0) - lengths
        places = torch.repeat_interleave(begin - offsets, lengths)
        places = places + torch.arange(len(places), device=places.device)
        return F.embedding_bag(
            self.values[places],
            table,
            offsets,
            mode="sum",
            per_sample_weights=self.weights[places].to(table.dtype),
        )


class Block(nn.Module):
    """x + MLP(LayerNorm(x)), the last layer starting at zero, then unit length."""

    def __init__(self, size: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(size)
        self.inner = nn.Linear(size, hidden)
        self.outer = nn.Linear(hidden, size)
        self.dropout = nn.Dropout(dropout)
        nn.init.zeros_(self.outer.weight)
        nn.init.zeros_(self.outer.bias)

    def forward(self, states: Tensor) -> Tensor:
        """(R, D) of unit length."""
        inner = self.dropout(F.gelu(self.inner(self.norm(states))))
        return F.normalize(states + self.outer(inner), dim=-1, eps=1e-6)


class Shared(nn.Module):
    """What both towers read words with: a map of text vectors, a table of n-grams, one of facts."""

    def __init__(self, config: TowerConfig, items: ItemInputs) -> None:
        super().__init__()
        size = config.embedding_size
        self.text = nn.Linear(items.text.shape[1], size, bias=False) if config.use_text else None
        if self.text is not None:
            axes = principal_axes(items.text, size)
            self.text.weight.data.copy_(torch.from_numpy(axes.T.copy()))
        self.tokens = table_of(items.tokens.shape[1], size) if config.use_tokens else None
        facts = config.use_attributes and items.attributes.shape[1]
        self.attributes = table_of(items.attributes.shape[1], size) if facts else None

    def parts(self, read: "Readable", rows: Tensor) -> list[Tensor]:
        """(R, D) each: what the text, the n-grams and the facts of these rows say."""
        found: list[Tensor] = []
        if self.text is not None:
            found.append(self.text(read.text[rows]))
        if self.tokens is not None:
            found.append(read.token_rows(rows, self.tokens.weight))
        if self.attributes is not None:
            found.append(read.attribute_rows(rows, self.attributes.weight))
        return found


class Readable(nn.Module):
    """The part of items and of words that both towers read in the same way; no weight in it."""

    text: Tensor
    graph: Tensor

    def use(self, facts: ItemInputs | WordInputs) -> None:
        """Read these from now on."""
        for name, array in (("text", facts.text), ("graph", facts.graph)):
            self.register_buffer(name, torch.from_numpy(np.ascontiguousarray(array)), False)
        self.token_rows = SparseRows(facts.tokens)
        self.attribute_rows = SparseRows(facts.attributes)

    def graph_of(self, rows: Tensor, hidden: Tensor | None) -> Tensor:
        """(R, G); zeros where `hidden`, (R,) bool, says so."""
        graph = self.graph[rows]
        return graph if hidden is None else graph.masked_fill(hidden.unsqueeze(1), 0.0)


class History(nn.Module):
    """One layer of attention over the newest items, asked by the rest of the request.

    Source: Jha et al., 2023, section 3.1.2 (one layer over the history; more did not pay).
    """

    def __init__(self, size: int, longest: int) -> None:
        super().__init__()
        self.asks = nn.Linear(size, size, bias=False)
        self.keys = nn.Linear(size, size, bias=False)
        self.values = nn.Linear(size, size, bias=False)
        # By age, the newest last: what is old counts less, how much is learned.
        self.ages = nn.Parameter(torch.linspace(-1.0, 0.0, longest))

    def forward(self, asks: Tensor, items: Tensor, rows: Tensor) -> Tensor:
        """(R, D); asks (R, D), items (R, T, D), rows (R, T) int64, 0 where there is none."""
        weights = torch.einsum("rd,rtd->rt", self.asks(asks), self.keys(items))
        weights = weights * items.shape[-1] ** -0.5 + self.ages[-rows.shape[1] :]
        empty = rows == 0
        weights = weights.masked_fill(empty, -1e4).softmax(dim=1).masked_fill(empty, 0.0)
        return torch.einsum("rt,rtd->rd", weights, self.values(items))


def added(parts: Sequence[Tensor]) -> Tensor:
    """The sum; parts are of one shape."""
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def table_of(rows: int, size: int) -> nn.Embedding:
    """A table of small random vectors."""
    table = nn.Embedding(rows, size)
    nn.init.normal_(table.weight, std=SMALL)
    return table


def map_of(inputs: int, size: int) -> nn.Linear:
    """A linear map without a constant, so that nothing known adds nothing."""
    layer = nn.Linear(inputs, size, bias=False)
    nn.init.normal_(layer.weight, std=3 * SMALL / max(inputs, 1) ** 0.5)
    return layer
