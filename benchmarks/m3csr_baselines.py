"""What M3CSR is measured against, trained on the same pairs by the same loop.

Everywhere a person is the mean of vectors of items taken (as in FISM): most people of the test were
not there in training, so none of these has a vector for each person, whatever its paper says.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from recs.ml.histories import Histories
from recs.ml.item_content import ItemContent
from recs.ml.m3csr_batches import PairBatches, Sides
from recs.ml.m3csr_config import M3csrConfig
from recs.ml.m3csr_fit import Asked, DecayingFitConfig
from recs.ml.m3csr_graph import EventGraph
from recs.ml.m3csr_layers import padded_table
from recs.ml.m3csr_sides import ItemSide, PairBatch
from recs.ml.metrics import ndcg_at
from recs.ml.scorers import VectorScorer, target_ranks
from recs.ml.seeding import seed_everything
from recs.ml.trainer import RunOptions, fit

TRAINED = ("hashed-id", "content-mlp", "id-content", "vbpr", "lattice")
SIZE = 64
# Buckets of the hashed ids, as a share of the items.
HASHED_SHARE = 0.5
GRAPH_NEIGHBOURS = 10


class Pooled(nn.Module):
    """An item is a vector of one of the kinds; a person the mapped mean of what they took.

    "hashed-id": a trained vector for a bucket of ids. "content-mlp": frozen content through an MLP.
    "id-content": that plus a vector of the id, which is zeros for items nobody had taken.
    "vbpr": He and McAuley, VBPR, AAAI 2016: id vector, mapped content and two biases side by side.
    "lattice": Zhang et al., Mining Latent Structures for Multimedia Recommendation, ACM MM 2021:
    ids spread over nearest neighbours by content, modalities weighted by what is learned; the graph
    stays as content makes it (as FREEDOM does, ACM MM 2023) instead of being mined anew.
    """

    def __init__(self, kind: str, content: ItemContent, taken: np.ndarray) -> None:
        super().__init__()
        self.kind = kind
        joined = np.concatenate([_scaled(v) for v in content.vectors.values()], axis=1)
        self.register_buffer("content", torch.from_numpy(joined), persistent=False)
        rows = content.item_count + 1
        if kind == "hashed-id":
            buckets = max(1, int(rows * HASHED_SHARE))
            hashed = 1 + np.random.default_rng(7).integers(0, buckets, rows)
            self.register_buffer("hashed", torch.from_numpy(hashed))
            self.ids = padded_table(buckets + 1, SIZE)
        else:
            self.ids = padded_table(rows, SIZE)
        self.mlp = nn.Sequential(
            nn.Linear(joined.shape[1], 2 * SIZE), nn.GELU(), nn.Linear(2 * SIZE, SIZE)
        )
        self.map = nn.Linear(joined.shape[1], SIZE, bias=False)
        self.biases = nn.Embedding(rows, 1, padding_idx=0)
        nn.init.zeros_(self.biases.weight)
        self.visual_bias = nn.Linear(joined.shape[1], 1, bias=False)
        self.person = nn.Linear(self.width, self.width)
        if kind == "lattice":
            self._make_graph(content, taken)

    @property
    def width(self) -> int:
        """Size of a vector."""
        return 2 * SIZE if self.kind == "vbpr" else SIZE

    def items_of(self, rows: Tensor, ids: Tensor) -> Tensor:
        """(..., width) of rows; `ids` is 0 where the id may not be used."""
        if self.kind == "hashed-id":
            return self.ids(self.hashed[rows] * (rows != 0))
        content = self.content[rows]
        if self.kind == "vbpr":
            return torch.cat([self.ids(ids), self.map(content)], dim=-1)
        if self.kind == "lattice":
            return self.ids(ids) + self._spread()[rows]
        return self.mlp(content) + (self.ids(ids) if self.kind == "id-content" else 0.0)

    def bias_of(self, rows: Tensor, ids: Tensor) -> Tensor:
        """(...) what is added to the score of rows, whoever asks."""
        if self.kind != "vbpr":
            return torch.zeros_like(rows, dtype=torch.float32)
        return (self.biases(ids) + self.visual_bias(self.content[rows])).squeeze(-1)

    def people_of(self, history: Tensor) -> Tensor:
        """(B, width) of histories (B, H), 0 where padded."""
        real = (history != 0).unsqueeze(-1)
        vectors = self.items_of(history, history) * real
        return self.person(vectors.sum(dim=1) / real.sum(dim=1).clamp(min=1))

    def forward(self, batch: PairBatch) -> tuple[Tensor, Tensor]:
        """Scores (B,) of what was taken and of what was not."""
        people = self.people_of(batch.people.history)

        def score(side: ItemSide) -> Tensor:
            vectors = self.items_of(side.items, side.ids)
            return (people * vectors).sum(dim=-1) + self.bias_of(side.items, side.ids)

        return score(batch.taken), score(batch.other)

    def _make_graph(self, content: ItemContent, taken: np.ndarray) -> None:
        self.register_buffer("taken", torch.from_numpy(taken).float()[:, None])
        near = [nearest_by_content(v, taken, GRAPH_NEIGHBOURS) for v in content.vectors.values()]
        self.register_buffer("near", torch.from_numpy(np.stack(near)))  # (M, N + 1, k)
        self.shares = nn.Parameter(torch.zeros(len(near)))

    def _spread(self) -> Tensor:
        weights = torch.softmax(self.shares, dim=0)
        own = self.ids.weight * self.taken
        parts = [
            share * functional.embedding_bag(near, own, mode="mean", padding_idx=0)
            for share, near in zip(weights, self.near, strict=True)
        ]
        return torch.stack(parts).sum(dim=0)


def bpr(net: Pooled, batch: PairBatch) -> Tensor:
    """The loss that M3CSR has too, alone."""
    taken, other = net(batch)
    return -functional.logsigmoid(taken - other).mean()


@dataclass(frozen=True)
class FittedBaseline:
    """Scores as of any moment, by the counts known then."""

    net: Pooled
    sides: Sides

    @torch.inference_mode()
    def scorer(self, histories: Histories, scored_at: float) -> VectorScorer:
        """Scores for these people; counts are those before `scored_at`."""
        self.net.eval()
        counts = self.sides.graph.known_counts(scored_at).counts
        rows = torch.arange(len(counts))
        ids = torch.where(torch.from_numpy(counts) > 0, rows, 0)
        items = self.net.items_of(rows, ids)
        window = self.sides.serving_people(histories, scored_at).history
        people = [self.net.people_of(part) for part in window.split(1024)]
        return VectorScorer(
            torch.cat(people).numpy(), items.numpy(), self.net.bias_of(rows, ids).numpy()
        )

    def knowing(self, histories: Histories) -> "FittedBaseline":
        """The same weights with the counts of other events."""
        graph = EventGraph(histories, self.sides.graph.item_count)
        return FittedBaseline(self.net, Sides(graph, self.sides.config))


def fit_baseline(
    kind: str,
    histories: Histories,
    content: ItemContent,
    config: tuple[M3csrConfig, DecayingFitConfig],
    options: RunOptions,
    asked: Asked,
) -> FittedBaseline:
    """Train one of TRAINED on the pairs that M3CSR would be trained on."""
    lists, fitting = config
    seed_everything(fitting.seed)
    taken = histories.counts(content.item_count) > 0
    sides = Sides(EventGraph(histories, content.item_count), lists)
    found = FittedBaseline(Pooled(kind, content, taken), sides)

    def validate(net: Pooled) -> float:
        scorer = found.scorer(asked.histories, asked.scored_at)
        return float(ndcg_at(target_ranks(scorer, asked.histories, asked.targets), 10).mean())

    fit(
        found.net,
        loss=bpr,
        batches=lambda epoch: PairBatches(
            sides, histories, fitting.batch_size, (fitting.seed, epoch)
        ),
        validate=validate,
        config=fitting,
        options=options,
    )
    return found


def content_scorer(histories: Histories, content: ItemContent, newest: int = 10) -> VectorScorer:
    """Content-only nearest neighbours: the mean of the newest items against every item."""
    items = np.concatenate([_scaled(v) for v in content.vectors.values()], axis=1)
    users = np.zeros((len(histories), items.shape[1]), np.float32)
    recent = histories.newest(newest)
    np.add.at(users, recent.owners, items[recent.items])
    return VectorScorer(users, items)


def nearest_by_content(vectors: np.ndarray, among: np.ndarray, k: int) -> np.ndarray:
    """(N + 1, k) int64 rows of the nearest items by cosine, of those marked; 0 for none."""
    unit = _scaled(vectors)
    rows = np.flatnonzero(among & (unit != 0).any(axis=1))
    found = np.zeros((len(unit), k), np.int64)
    for start in range(1, len(unit), 1024):
        part = np.arange(start, min(start + 1024, len(unit)))
        scores = unit[part] @ unit[rows].T
        scores[part[:, None] == rows] = -np.inf
        best = rows[np.argpartition(-scores, k, axis=1)[:, :k]]
        found[part] = best * (unit[part] != 0).any(axis=1)[:, None]
    return found


def _scaled(vectors: np.ndarray) -> np.ndarray:
    """Unit length around the mean of those that there are; rows of zeros stay so."""
    has = (vectors != 0).any(axis=1, keepdims=True)
    centred = (vectors - vectors[has[:, 0]].mean(axis=0)) * has
    return (centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9)).astype(
        np.float32
    )
