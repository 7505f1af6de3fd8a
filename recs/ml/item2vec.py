"""Item2vec: items that stand in the same histories get vectors that point the same way."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recs.ml.batches import TensorBatch
from recs.ml.errors import NothingToLearn
from recs.ml.fit_types import FitConfig
from recs.ml.histories import Histories
from recs.ml.item_knn import ItemKnnConfig, question
from recs.ml.sampling import ItemSampler
from recs.ml.seeding import array_generator, seed_everything
from recs.ml.sequence_data import SequenceData, TrainOptions
from recs.ml.trainer import fit

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

# Negatives drawn for a whole batch of pairs; each counts for a share of `negatives`.
SHARED_NEGATIVES = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Item2VecConfig:
    """Size of the vectors, how they are trained and how a history is summed up."""

    embedding_size: int = 40
    negatives: int = 15
    # Exponent of the frequencies by which negatives are drawn.
    sampling_power: float = 0.75
    # Items more frequent than this share of the events are left out at random; 0 keeps all.
    subsampling: float = 1e-3
    # Positions between the two items of a pair.
    window: int = 50
    # Newest items of a history that make its vector; the r-th newest weighs r ** -recency_power.
    history: int = 10
    recency_power: float = 1.0
    fit: FitConfig = field(
        default_factory=lambda: FitConfig(
            epochs=20, learning_rate=0.02, batch_size=8192, patience=4, warmup_steps=0
        )
    )

    def __post_init__(self) -> None:
        """Refuse numbers that mean nothing."""
        if min(self.embedding_size, self.negatives, self.window, self.history) < 1:
            raise ValueError("embedding_size, negatives, window and history count from 1.")
        if self.subsampling < 0:
            raise ValueError("subsampling is not below 0.")


class Item2Vec(nn.Module):
    """A vector of each item as the one that is there, and one as its neighbour.

    Source: Barkan and Koenigstein, Item2Vec: Neural Item Embedding for Collaborative Filtering,
    2016, section 3. Differs from the paper: see `recs.ml.family`.
    """

    def __init__(self, item_count: int, embedding_size: int) -> None:
        """Weights drawn from torch's global generator."""
        super().__init__()
        self.items = nn.Embedding(item_count + 1, embedding_size)
        self.neighbours = nn.Embedding(item_count + 1, embedding_size)
        nn.init.normal_(self.items.weight, std=embedding_size**-0.5)
        nn.init.zeros_(self.neighbours.weight)

    def forward(self, pairs: Tensor, negatives: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of pairs (P,) and of each pair's item with the negatives (P, S).

        Args:
            pairs: (P, 2) int64, item and neighbour.
            negatives: (S,) int64.
        """
        item = self.items(pairs[:, 0])  # (P, D)
        together = (item * self.neighbours(pairs[:, 1])).sum(dim=1)
        return together, item @ self.neighbours(negatives).T


def pair_loss(net: Item2Vec, batch: TensorBatch, *, sampler: ItemSampler, negatives: int) -> Tensor:
    """() float: negative sampling's loss of a pair, with `negatives` in expectation."""
    (pairs,) = batch.tensors
    drawn = sampler.draw(SHARED_NEGATIVES).to(pairs.device)
    together, apart = net(pairs, drawn)
    others = F.softplus(apart).masked_fill(drawn == pairs[:, 1:], 0.0)
    return F.softplus(-together).mean() + others.sum(dim=1).mean() * negatives / SHARED_NEGATIVES


@dataclass(frozen=True, slots=True)
class Item2VecScorer:
    """A Scorer: cosine of the decayed mean of a history's newest items and each item.

    `vectors`: (N + 1, D) float32 of unit length, zeros for the padding and for items that no
    pair had. `epochs`: after how many validation found it best, None where nobody validated.
    """

    vectors: Floats
    config: Item2VecConfig
    epochs: int | None = None

    @property
    def item_count(self) -> int:
        """N."""
        return len(self.vectors) - 1

    def score(self, histories: Histories, persons: Ints) -> Floats:
        """(B, N + 1) float32; see `Scorer`."""
        asked = ItemKnnConfig(history=self.config.history, recency_power=self.config.recency_power)
        users = question(histories.select(persons), len(self.vectors), asked) @ self.vectors
        scores = np.asarray(unit(users) @ self.vectors.T, np.float32)
        scores[:, 0] = -np.inf
        return scores


def unit(vectors: Floats) -> Floats:
    """Rows of length 1; rows of zeros stay."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1.0), np.float32)


class PairBatches:
    """All pairs of one epoch in the order that seed and epoch give; iterating again repeats."""

    def __init__(self, pairs: Ints, batch_size: int, *, seed: int, epoch: int) -> None:
        """Plan them; `pairs` (P, 2)."""
        self._pairs, self._size = pairs, batch_size
        self._order = array_generator(seed, 11, epoch).permutation(len(pairs))

    def __len__(self) -> int:
        """Number of batches."""
        return -(-len(self._pairs) // self._size)

    def __iter__(self) -> Iterator[TensorBatch]:
        """Batches of (P, 2) int64."""
        for start in range(0, len(self._order), self._size):
            part = self._pairs[self._order[start : start + self._size]]
            yield TensorBatch((torch.from_numpy(part),))


def window_pairs(histories: Histories, window: int, most: int = 20_000_000) -> Ints:
    """(P, 2) int64: item and neighbour, both ways round, nearest first until there are `most`."""
    items, owners = histories.items, histories.owners
    parts: list[Ints] = [np.zeros((0, 2), np.int64)]
    total = 0
    for gap in range(1, window + 1):
        together = (owners[gap:] == owners[:-gap]) & (items[gap:] != items[:-gap])
        forward = np.stack([items[:-gap][together], items[gap:][together]], axis=1)
        total += 2 * len(forward)
        if gap > 1 and total > most:
            break
        parts += [forward, forward[:, ::-1]]
    return np.concatenate(parts)


def train_item2vec(
    data: SequenceData, config: Item2VecConfig, options: TrainOptions
) -> Item2VecScorer:
    """Vectors trained on the histories, stopped by validation; without targets, by the epochs.

    Raises:
        NothingToLearn: where no history has two different items.
    """
    seed_everything(options.seed)
    pairs = window_pairs(data.histories, config.window)
    if not len(pairs):
        raise NothingToLearn("No two items stand in one history.")
    counts = data.histories.counts(data.item_count)
    sampler = ItemSampler(counts, power=config.sampling_power)
    net = Item2Vec(data.item_count, config.embedding_size)
    sample = data.sample(options.most_validation_people, options.seed)

    def batches(epoch: int) -> PairBatches:
        kept = _subsampled(pairs, counts, config.subsampling, options.seed, epoch)
        return PairBatches(kept, config.fit.batch_size, seed=options.seed, epoch=epoch)

    report = fit(
        net,
        loss=lambda trained, batch: pair_loss(
            trained, batch, sampler=sampler, negatives=config.negatives
        ),
        batches=batches,
        config=replace(config.fit, seed=options.seed),
        validate=sample.validation(lambda trained: _scorer(trained, counts, config)),
        options=options.run_options(),
    )
    return replace(_scorer(net, counts, config), epochs=report.best_epoch)


def _scorer(net: Item2Vec, counts: Ints, config: Item2VecConfig) -> Item2VecScorer:
    vectors = net.items.weight.detach().cpu().numpy().astype(np.float32)
    vectors = np.where((counts > 0)[:, None], vectors, 0.0).astype(np.float32)
    return Item2VecScorer(unit(vectors), config)


def _subsampled(pairs: Ints, counts: Ints, rate: float, seed: int, epoch: int) -> Ints:
    """The pairs of which both items were kept; drawn anew each epoch."""
    if rate == 0:
        return pairs
    share = counts / max(int(counts.sum()), 1)
    keep = np.sqrt(rate / np.maximum(share, 1e-12)).clip(max=1.0)
    draws = array_generator(seed, 12, epoch).random(pairs.shape)
    kept = np.asarray(pairs[(draws < keep[pairs]).all(axis=1)])
    return kept if len(kept) else pairs
