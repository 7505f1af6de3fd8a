"""A second look at the best candidates: a small network that sees how evidence goes together.

Source: Cao et al., Learning to Rank: From Pairwise Approach to Listwise Approach, ICML 2007 (cross
entropy over a list).
Differs from the paper: only the first place counts, for one item of a list was wanted; what the
network says is added to the mixture's score, and starts at nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recs.ml.batches import TensorBatch
from recs.ml.fit_types import FitConfig, RunOptions
from recs.ml.histories import Histories
from recs.ml.list_features import list_features
from recs.ml.mixture import Contests, Mixture
from recs.ml.seeding import array_generator, seed_everything
from recs.ml.small_net import SmallNet
from recs.ml.trainer import fit

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

# The last candidate that was looked at again stands so far above the others.
ABOVE = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class RerankerConfig:
    """Size of the network and how it is trained."""

    candidates: int = 100
    width: int = 64
    dropout: float = 0.2
    # Networks of different seeds, averaged.
    members: int = 3
    # Share of the people that decides when to stop.
    held_out: float = 0.15
    # With fewer lists to learn from there is no second look.
    least_lists: int = 500
    most_people: int = 20_000
    fit: FitConfig = field(
        default_factory=lambda: FitConfig(
            epochs=20, learning_rate=3e-3, weight_decay=1e-3, schedule="cosine", patience=6,
            precision="fp32", warmup_steps=0,
        )
    )  # fmt: skip


class _Net(nn.Module):
    """Two hidden layers beside a linear one; the last of each starts at zero."""

    def __init__(self, inputs: int, config: RerankerConfig) -> None:
        super().__init__()
        self.first = nn.Linear(inputs, config.width)
        self.second = nn.Linear(config.width, config.width)
        self.last = nn.Linear(config.width, 1)
        self.straight = nn.Linear(inputs, 1)
        self.dropout = nn.Dropout(config.dropout)
        for layer in (self.last, self.straight):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, features: Tensor, scores: Tensor) -> Tensor:
        """(B, C) of (B, C, inputs) and (B, C)."""
        hidden = self.dropout(F.gelu(self.first(features)))
        hidden = self.dropout(F.gelu(self.second(hidden)))
        added: Tensor = (self.last(hidden) + self.straight(features)).squeeze(-1)
        return scores + added


@dataclass(frozen=True, slots=True)
class Reranked:
    """A Scorer: the mixture, and the networks for what it puts first."""

    mixture: Mixture
    nets: tuple[SmallNet, ...]
    candidates: int

    @property
    def item_count(self) -> int:
        """N."""
        return self.mixture.item_count

    def score(self, histories: Histories, persons: Ints) -> Floats:
        """(B, N + 1) float32; see `Scorer`. Items already seen keep their place behind."""
        if not self.nets:
            return self.mixture.score(histories, persons)
        chosen = histories.select(persons)
        total = np.empty((len(persons), self.item_count + 1), np.float32)
        for people, lists, scores in self.mixture.shortlists(chosen, self.candidates):
            lengths = chosen.lengths[people].astype(np.float32)
            features = list_features(lists.numbers, lists.scores, lengths)
            again = lists.scores + np.mean([net.added(features) for net in self.nets], axis=0)
            # Where the catalogue is small, seen items fill the list: they are no candidates.
            seen = np.isneginf(lists.scores)
            lowest = np.where(seen, np.inf, again).min(axis=1, keepdims=True)
            rows = np.arange(len(people))[:, None]
            before = scores[rows, lists.rows]
            scores[rows, lists.rows] = np.where(seen, before, -np.inf)
            others = scores.max(axis=1, keepdims=True)
            lift = np.maximum(0.0, others + ABOVE - lowest).astype(np.float32)
            scores[rows, lists.rows] = np.where(seen, before, again + lift)
            total[people] = scores
        return total


def fit_reranker(
    contest: Contests, config: RerankerConfig, seed: int, options: RunOptions | None = None
) -> tuple[SmallNet, ...]:
    """Networks that put what was wanted first; none where there is too little to learn from.

    Args:
        contest: what the mixture put first for people, and which of it was wanted.
        config: see its fields.
        seed: equal ones give equal networks.
        options: where it runs.
    """
    if len(contest.wanted) < config.least_lists:
        return ()
    lengths = contest.lengths.astype(np.float32)
    features = list_features(contest.numbers, contest.scores, lengths)
    flat = features[~np.isneginf(contest.scores)]
    mean, spread = flat.mean(axis=0), flat.std(axis=0)
    scale = np.where(spread > 1e-6, spread, 1.0).astype(np.float32)
    lists = tuple(
        torch.from_numpy(part)
        for part in ((features - mean) / scale, contest.scores, contest.wanted)
    )
    found = []
    for number in range(config.members):
        net = _trained(lists, config, seed * 100 + number, options or RunOptions())
        arrays = {name: value.detach().numpy() for name, value in net.state_dict().items()}
        found.append(SmallNet.of_arrays({**arrays, "mean": mean, "scale": scale}))
    return tuple(found)


def _trained(
    lists: tuple[Tensor, ...], config: RerankerConfig, seed: int, options: RunOptions
) -> _Net:
    """Of features (V, C, inputs), scores (V, C) and places of what was wanted (V,)."""
    features, scores, wanted = lists
    seed_everything(seed)
    net = _Net(features.shape[2], config)
    order = array_generator(seed, 0).permutation(len(wanted))
    held = max(1, round(config.held_out * len(order)))
    kept, learned = order[:held], order[held:]

    def batches(epoch: int) -> Iterator[TensorBatch]:
        mixed = array_generator(seed, 1, epoch).permutation(learned)
        for start in range(0, len(mixed), config.fit.batch_size):
            rows = torch.from_numpy(mixed[start : start + config.fit.batch_size])
            yield TensorBatch((features[rows], scores[rows], wanted[rows]))

    def loss(trained: nn.Module, batch: TensorBatch) -> Tensor:
        read, base, target = batch.tensors
        return F.cross_entropy(trained(read, base), target)

    def gain(trained: nn.Module) -> float:
        rows = torch.from_numpy(kept)
        found = trained(features[rows], scores[rows])
        own = found.gather(1, wanted[rows].unsqueeze(1))
        ranks = (found > own).sum(dim=1)
        return float(torch.where(ranks < 10, 1 / torch.log2(ranks + 2.0), 0.0).mean())

    fit(
        net,
        loss=loss,
        batches=batches,
        validate=gain,
        config=replace(config.fit, seed=seed),
        options=replace(options, device="cpu", checkpoint_dir=None, progress=None),
    )
    return net
