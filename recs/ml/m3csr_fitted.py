"""A fitted M3CSR: people and items to vectors, and vectors to scores."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from recs.ml.content_space import Vectors
from recs.ml.histories import Histories
from recs.ml.m3csr import M3csrNet
from recs.ml.m3csr_batches import Sides
from recs.ml.m3csr_config import ContentTables
from recs.ml.m3csr_graph import EventGraph, KnownCounts
from recs.ml.scorers import VectorScorer
from recs.ml.semantic_ids import NO_CODE, Codebooks
from recs.ml.trainer import FitReport

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

EVER = float("inf")
# People or items that are encoded at once.
_ROWS_AT_ONCE = 2048


@dataclass(frozen=True, slots=True)
class Fitted:
    """A network, the events it may look at, and the clusters that give new items their ID."""

    net: M3csrNet
    graph: EventGraph
    flat: Codebooks
    report: FitReport | None = None

    @property
    def item_count(self) -> int:
        """N."""
        return self.graph.item_count

    def encode_users(self, histories: Histories, scored_at: float = EVER) -> Floats:
        """(U, (1 + M) D) float32 of people, seen in training or not, from their events alone."""
        side = Sides(self.graph, self.net.config)
        parts = [
            _run(self.net, "encode_people", side.serving_people(histories.select(rows), scored_at))
            for rows in _chunks(len(histories))
        ]
        return _joined(parts, self._width)

    def encode_items(self, scored_at: float = EVER, counts: KnownCounts | None = None) -> Floats:
        """(N + 1, (1 + M) D) float32, row 0 zeros.

        Args:
            scored_at: moment of the scores, days since 1970; only events before it are seen.
            counts: how many took each item; None counts the events that are known.

        Raises:
            FutureCounts: where the counts are newer than `scored_at`.
        """
        side = Sides(self.graph, self.net.config)
        counts = counts or self.graph.known_counts(scored_at)
        parts = [
            _run(self.net, "encode_items", side.serving_items(rows, scored_at, counts))
            for rows in _chunks(self.item_count + 1)
        ]
        found = _joined(parts, self._width)
        found[0] = 0.0
        return found

    def encode_new(self, vectors: Vectors) -> Floats:
        """(N, (1 + M) D) float32 of items that came after training: encoder outputs to towers.

        Args:
            vectors: by modality (N, its size) float32, zeros where an item lacks it.
        """
        content = content_tables(vectors, self.flat, self.net.modalities)
        return _run(self.net, "encode_new", _on(content, self.net.clusters.device))

    def scorer(self, histories: Histories, scored_at: float = EVER) -> VectorScorer:
        """Scores for these people, as the product of vectors."""
        return VectorScorer(self.encode_users(histories, scored_at), self.encode_items(scored_at))

    def for_everybody(self, scored_at: float = EVER) -> "M3csrScorer":
        """Scores for any people, encoded when they are asked about."""
        return M3csrScorer(self, self.encode_items(scored_at), scored_at)

    def knowing(self, histories: Histories) -> "Fitted":
        """The same weights that look at other events, such as those up to today."""
        return dataclasses.replace(self, graph=EventGraph(histories, self.item_count))

    @property
    def _width(self) -> int:
        return (1 + len(self.net.modalities)) * self.net.config.embedding_size


@dataclass(frozen=True, slots=True)
class M3csrScorer:
    """A Scorer. `items`: (N + 1, (1 + M) D) float32, the item towers as of `scored_at`."""

    fitted: Fitted
    items: Floats
    scored_at: float

    @property
    def item_count(self) -> int:
        """N."""
        return len(self.items) - 1

    def score(self, histories: Histories, persons: Ints) -> Floats:
        """(B, N + 1) float32, see `Scorer`."""
        users = self.fitted.encode_users(histories.select(persons), self.scored_at)
        scores = users @ self.items.T  # (B, N + 1)
        scores[:, 0] = -np.inf
        return scores


def content_tables(vectors: Vectors, flat: Codebooks, modalities: Sequence[str]) -> ContentTables:
    """Vectors and clusters as the network reads them; a modality that is not given is lacking."""
    rows = len(next(iter(vectors.values())))
    sizes = {name: len(mean) for name, mean in flat.space.means.items()}
    empty = {name: np.zeros((rows, sizes[name]), np.float32) for name in modalities}
    found = {**empty, **{name: table for name, table in vectors.items() if name in empty}}
    codes = flat.assign(found)[:, 0]
    return ContentTables(
        vectors={name: torch.from_numpy(np.ascontiguousarray(found[name])) for name in modalities},
        clusters=torch.from_numpy(np.where(codes == NO_CODE, 0, codes + 1)),
        cluster_count=flat.sizes[0],
    )


@torch.inference_mode()
def _run(net: M3csrNet, name: str, side: object) -> Floats:
    """One of the network's encoders without dropout or gradients, to float32 on the CPU."""
    training = net.training
    net.eval()
    device = net.clusters.device
    moved = side.to(device) if hasattr(side, "to") else side
    found: Tensor = getattr(net, name)(moved)
    net.train(training)
    return np.asarray(found.float().cpu().numpy(), np.float32)


def _on(content: ContentTables, device: torch.device) -> ContentTables:
    return ContentTables(
        {name: table.to(device) for name, table in content.vectors.items()},
        content.clusters.to(device),
        content.cluster_count,
    )


def _chunks(count: int) -> list[Ints]:
    return [np.arange(s, min(s + _ROWS_AT_ONCE, count)) for s in range(0, count, _ROWS_AT_ONCE)]


def _joined(parts: list[Floats], width: int) -> Floats:
    return np.concatenate(parts) if parts else np.zeros((0, width), np.float32)
