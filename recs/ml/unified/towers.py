"""Two towers into one space: a heavy one for items, made offline, and a light one for requests.

Source: Jha et al., Unified Embedding Based Personalized Retrieval in Etsy Search, 2023, section
    3.1; Bhattacharya et al., UniCoRn, RecSys 2024 (the task as an input, one net for all).
Differs from the papers: the text encoder is MiniLM and frozen; its vectors enter both towers
    through one map that starts as their principal axes, so that the untrained model is a search by
    meaning; parts are added, not laid side by side, so any of them may be missing; the item side of
    histories is the items' own vector and a table beside it.

Letters: R requests, T history, D embedding size, N items, M texts. A score is a cosine.
"""

from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from recs.ml.buckets import KNOWN_BUCKETS, known_bucket
from recs.ml.unified.config import TowerConfig
from recs.ml.unified.inputs import ItemInputs, WordInputs
from recs.ml.unified.layers import Block, History, Readable, Shared, added, map_of, table_of
from recs.ml.unified.surfaces import TASKS

# What a request may lack; each has a vector for it.
MASKS = ("words", "source", "person", "graph", "history")
ENCODED_AT_ONCE = 8192


@dataclass(frozen=True, slots=True)
class RequestBatch:
    """R requests as the query tower reads them; (R,) or (R, length) int64, 0 where nothing is.

    `given`: (R, 3) float, whether words, source and person were given and not filled in.
    """

    tasks: Tensor
    words: Tensor
    sources: Tensor
    history: Tensor
    asked: Tensor
    given: Tensor

    def __len__(self) -> int:
        """R."""
        return len(self.tasks)

    def rows(self, start: int, stop: int) -> Self:
        """Some of them."""
        return type(self)(*(getattr(self, f.name)[start:stop] for f in fields(self)))

    def to(self, device: torch.device | str) -> Self:
        """The same on a device."""
        return type(self)(*(getattr(self, f.name).to(device) for f in fields(self)))


class Towers(nn.Module):
    """Both towers, what they share, and the catalogue as it was encoded last.

    `catalogue`: (N + 1, D) float, unit vectors of all items as of the last refresh(); histories,
    sources and hard negatives read it without a gradient. It is saved with the weights.
    """

    catalogue: Tensor

    def __init__(self, config: TowerConfig, items: ItemInputs, words: WordInputs) -> None:
        """Weights for these items and words; what is read of them is no weight."""
        super().__init__()
        self.config = config
        self.shared = Shared(config, items)
        self.items = ItemTower(config, items)
        self.requests = QueryTower(config, words, len(items))
        self.register_buffer("catalogue", torch.zeros(len(items) + 1, config.embedding_size))

    def use(self, items: ItemInputs, words: WordInputs) -> None:
        """Read other facts and other words from now on."""
        self.items.use(items)
        self.requests.use(words)

    @torch.no_grad()
    def refresh(self) -> None:
        """Encode every item as the weights are now."""
        training = self.training
        self.eval()
        every = torch.arange(len(self.catalogue), device=self.catalogue.device)
        for rows in torch.split(every, ENCODED_AT_ONCE):
            self.catalogue[rows] = self.encode_items(rows).to(self.catalogue.dtype)
        self.catalogue[0] = 0.0
        self.train(training)

    def encode_items(self, rows: Tensor, hide_graph: Tensor | None = None) -> Tensor:
        """(R, D) of unit length; `hide_graph`: (R,) bool, whose graph vector is not read."""
        found: Tensor = self.items(rows, self.shared, hide_graph)
        return found

    def encode_requests(self, batch: RequestBatch, hide_graph: Tensor | None = None) -> Tensor:
        """(R, D) of unit length; `hide_graph` as above."""
        found: Tensor = self.requests(batch, self.shared, self.catalogue, hide_graph)
        return found


class ItemTower(Readable):
    """Everything that is known of an item; a gate on its events says how much its ID counts."""

    scalars: Tensor
    codes: Tensor
    known: Tensor

    def __init__(self, config: TowerConfig, items: ItemInputs) -> None:
        """Weights for items of this form."""
        super().__init__()
        size = config.embedding_size
        self.graph_map = map_of(items.graph.shape[1], size) if config.use_graph else None
        self.scalar_map = map_of(items.scalars.shape[1], size) if config.use_scalars else None
        self.other_maps = nn.ModuleDict(
            {name: map_of(table.shape[1], size) for name, table in sorted(items.others.items())}
        )
        sizes = items.code_sizes if config.use_codes else ()
        self.code_tables = nn.ModuleList(table_of(count + 1, size) for count in sizes)
        self.ids = table_of(len(items) + 1, size) if config.use_ids else None
        self.gate = nn.Parameter(torch.zeros(KNOWN_BUCKETS))
        self.block = Block(size, config.hidden, config.dropout)
        self.use(items)

    def use(self, facts: ItemInputs | WordInputs) -> None:
        """Read the facts of these items; their number stays."""
        super().use(facts)
        if not isinstance(facts, ItemInputs):
            raise TypeError("The item tower reads items.")
        for name, array in (
            ("scalars", facts.scalars),
            ("codes", facts.codes),
            ("known", known_bucket(facts.counts)),
            *((f"other_{name}", table) for name, table in facts.others.items()),
        ):
            self.register_buffer(name, torch.from_numpy(np.ascontiguousarray(array)), False)

    def forward(self, rows: Tensor, shared: Shared, hide_graph: Tensor | None = None) -> Tensor:
        """(R, D) of unit length.

        Args:
            rows: (R,) int64.
            shared: what the other tower reads with, too.
            hide_graph: (R,) bool, whose graph vector is not read.
        """
        parts = shared.parts(self, rows)
        if self.graph_map is not None:
            parts.append(self.graph_map(self.graph_of(rows, hide_graph)))
        if self.scalar_map is not None:
            parts.append(self.scalar_map(self.scalars[rows] - 0.5))
        for name, layer in self.other_maps.items():
            parts.append(layer(getattr(self, f"other_{name}")[rows]))
        for level, table in enumerate(self.code_tables):
            parts.append(table(self.codes[rows, level]))
        if self.ids is not None:
            known = self.known[rows]
            # An item that nobody wanted has no vector of its own: it would be chance.
            share = torch.sigmoid(self.gate[known]) * (known > 0)
            parts.append(share.unsqueeze(1) * self.ids(rows))
        unit: Tensor = self.block(added(parts))
        return unit


class QueryTower(Readable):
    """Words, the item one looks at, the person's newest items and words; light enough to serve."""

    def __init__(self, config: TowerConfig, words: WordInputs, item_count: int) -> None:
        """Weights for words of this form and so many items."""
        super().__init__()
        size = config.embedding_size
        self.graph_map = map_of(words.graph.shape[1], size) if config.use_graph else None
        self.tasks = table_of(len(TASKS), size) if config.use_task else None
        self.missing = table_of(len(MASKS), size)
        # What an item is as a source and in histories: its vector and this beside it.
        self.beside = table_of(item_count + 1, size) if config.use_ids else None
        self.source_map = nn.Linear(size, size, bias=False) if config.use_source else None
        self.history = History(size, config.history) if config.use_history else None
        self.asked_map = nn.Linear(size, size, bias=False) if config.use_history else None
        self.block = Block(size, config.hidden, config.dropout)
        self.use(words)

    def forward(
        self,
        batch: RequestBatch,
        shared: Shared,
        catalogue: Tensor,
        hide_graph: Tensor | None = None,
    ) -> Tensor:
        """(R, D) of unit length.

        Args:
            batch: R requests.
            shared: what the other tower reads with, too.
            catalogue: (N + 1, D), vectors of all items.
            hide_graph: (R,) bool, whose graph vector is not read.
        """
        graph = self.graph_of(batch.words, hide_graph)
        parts = shared.parts(self, batch.words)
        if self.graph_map is not None:
            parts.append(self.graph_map(graph))
        if self.tasks is not None:
            parts.append(self.tasks(batch.tasks))
        if self.source_map is not None:
            parts.append(self.source_map(self._items(batch.sources, catalogue)))
        if self.history is not None:
            items = self._items(batch.history, catalogue)
            parts.append(self.history(added(parts), items, batch.history))
        if self.asked_map is not None and shared.text is not None:
            parts.append(self.asked_map(shared.text(self.text[batch.asked].mean(dim=1))))
        parts.append(self._lacks(batch, graph) @ self.missing.weight)
        unit: Tensor = self.block(added(parts))
        return unit

    def _lacks(self, batch: RequestBatch, graph: Tensor) -> Tensor:
        """(R, len(MASKS)) float, 1 for what a request lacks."""
        given = torch.stack([(graph != 0).any(dim=1), (batch.history > 0).any(dim=1)], dim=1)
        return 1.0 - torch.cat([batch.given, given.to(batch.given.dtype)], dim=1)

    def _items(self, rows: Tensor, catalogue: Tensor) -> Tensor:
        found = catalogue[rows]
        if self.beside is not None:
            found = found + self.beside(rows) * (rows > 0).unsqueeze(-1)
        return found


def arrays_of(net: nn.Module) -> dict[str, npt.NDArray[np.float32]]:
    """Weights by name, as NumPy reads them."""
    return {name: t.detach().cpu().float().numpy() for name, t in net.state_dict().items()}
