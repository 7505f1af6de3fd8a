"""A small labeller tuned on reviewed grades: the packaged MiniLM reads both texts of a pair.

Source: Nogueira and Cho, Passage re-ranking with BERT, 2019 (both texts in one sequence, a line on
what the blocks make of it); Devlin et al., BERT, NAACL 2019.
Differs from the papers: the encoder is one of single sentences, whose lower blocks are frozen and
    run once; the nearness that the same encoder finds is added, and before any tuning it is all
    that decides; bad pairs count as much as good ones.

It works offline alone: it reads each pair anew, far too slow for a request. Letters in shapes: P
pairs, B of them at once, T tokens, D 384.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recs.ml.batches import TensorBatch
from recs.ml.errors import NothingToLearn
from recs.ml.fit_types import FitConfig, FitReport, RunOptions
from recs.ml.match.read_pairs import ReadPairs, best_bound
from recs.ml.relevance.measures import auc
from recs.ml.relevance.token_states import TokenStates, encode_tokens, read_blocks, run_blocks
from recs.ml.seeding import array_generator, seed_everything
from recs.ml.trainer import fit

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
DoubleFloats = npt.NDArray[np.float64]

_AT_ONCE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class TunedConfig:
    """What it reads, and how it is tuned."""

    # Of the encoder's six, the blocks that stay as they are.
    frozen: int = 3
    # Of both texts together; the longer one is cut first.
    tokens: int = 64
    # Reviewed pairs that teach, and of their queries or people the share that says when to stop.
    most: int = 2_000
    held_out: float = 0.2
    # With fewer of either kind, or of groups, nothing is tuned.
    least: int = 20
    least_groups: int = 8
    dropout: float = 0.1
    seconds: float = 600.0
    fit: FitConfig = field(
        default_factory=lambda: FitConfig(
            epochs=6, learning_rate=5e-5, batch_size=32, schedule="cosine", weight_decay=0.01,
            warmup_steps=20, clip_norm=1.0, patience=2, precision="fp32",
            rate_factors=(("head", 20.0), ("nearness", 100.0)),
        )
    )  # fmt: skip


class PairNet(nn.Module):
    """Token states of a pair, and its nearness, to the log-odds that it is bad."""

    def __init__(self, blocks: nn.ModuleList, size: int, dropout: float) -> None:
        """Blocks with their packaged weights; the line on top of them begins at zero."""
        super().__init__()
        self.blocks = blocks
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(size, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        # A difference of .1 between two cosines is then 1 in log-odds.
        self.nearness = nn.Parameter(torch.tensor([-10.0, 4.0]))

    def forward(self, states: Tensor, is_token: Tensor, nearness: Tensor) -> Tensor:
        """(B,) float: log-odds.

        Args:
            states: (B, T, D) float, after the frozen blocks.
            is_token: (B, T) bool.
            nearness: (B,) float.
        """
        read = run_blocks(self.blocks, states, is_token)  # (B, T, D)
        kept = is_token.unsqueeze(-1)
        mean = (read * kept).sum(dim=1) / kept.sum(dim=1).clamp(min=1)  # (B, D)
        told: Tensor = self.head(self.dropout(mean))[:, 0]
        return told + self.nearness[0] * nearness + self.nearness[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuned:
    """A network with the bound above which it says bad, and how it came about.

    `taught`: how many pairs it learned from, those that said when to stop included. `report`: None
    where it was not tuned, or was read from its folder.
    """

    net: PairNet
    bound: float
    config: TunedConfig
    taught: int = 0
    report: FitReport | None = None


def packaged_net(model_dir: Path, config: TunedConfig) -> PairNet:
    """As it is before anything is tuned."""
    blocks = read_blocks(model_dir, first=config.frozen, dropout=config.dropout)
    size = blocks[0].linear2.out_features  # type: ignore[union-attr]
    return PairNet(blocks, size, config.dropout).eval()  # type: ignore[arg-type]


def untuned(pairs: ReadPairs, model_dir: Path, config: TunedConfig) -> Tuned:
    """The packaged weights as they are, with the bound that these pairs teach."""
    net = packaged_net(model_dir, config)
    scores = -10.0 * pairs.nearness.astype(np.float64) + 4.0
    return Tuned(net=net, bound=best_bound(scores, pairs.bad), config=config)


def tune(
    pairs: ReadPairs, model_dir: Path, config: TunedConfig, options: RunOptions | None = None
) -> Tuned:
    """Tune it on reviewed pairs, and stop where it no longer tells those of other groups better.

    Args:
        pairs: P; no more of them than `config.most` teach, whole groups drawn by lot.
        model_dir: a sentence-transformers folder with a BERT.
        config: see its fields.
        options: who hears of it.

    Raises:
        NothingToLearn: where there are too few bad or good pairs.
    """
    pairs = pairs.take(drawn_groups(pairs.groups, config.most, config.fit.seed))
    learns, chooses = _parted(pairs, config)
    seed_everything(config.fit.seed)
    net = packaged_net(model_dir, config)
    states = _states(pairs, model_dir, config)
    bad = torch.from_numpy(pairs.bad.astype(np.float32))
    nearness = torch.from_numpy(pairs.nearness)
    share = float(pairs.bad[learns].mean())
    balance = torch.tensor([0.5 / (1.0 - share), 0.5 / share])

    def batches(epoch: int) -> Iterator[TensorBatch]:
        random = array_generator(config.fit.seed, 71, epoch)
        mixed = random.permutation(learns)
        for start in range(0, len(mixed), config.fit.batch_size):
            rows = mixed[start : start + config.fit.batch_size]
            places = torch.from_numpy(rows)
            yield TensorBatch((*states.padded(rows), nearness[places], bad[places]))

    def loss(trained: PairNet, batch: TensorBatch) -> Tensor:
        *given, wanted = batch.tensors
        weights = balance[wanted.long()]
        told = trained(*given)
        return F.binary_cross_entropy_with_logits(told, wanted, weights)

    def validate(trained: PairNet) -> float:
        told = _scores(trained, states, pairs.nearness, chooses)
        return auc(told, pairs.bad[chooses])

    report = fit(
        net, loss=loss, batches=batches, config=config.fit, validate=validate,
        options=replace(
            options or RunOptions(), device="cpu", checkpoint_dir=None, seconds=config.seconds
        ),
    )  # fmt: skip
    told = _scores(net, states, pairs.nearness, chooses)
    bound = best_bound(told, pairs.bad[chooses])
    return Tuned(net=net, bound=bound, config=config, taught=len(pairs), report=report)


def score_pairs(tuned: Tuned, pairs: ReadPairs, model_dir: Path) -> DoubleFloats:
    """(P,) float64 log-odds that a pair is bad."""
    states = _states(pairs, model_dir, tuned.config)
    return _scores(tuned.net, states, pairs.nearness, np.arange(len(pairs)))


def drawn_groups(groups: Ints, most: int, seed: int) -> Ints:
    """Places of the pairs of whole groups drawn by lot, at most so many pairs."""
    names = array_generator(seed, 72).permutation(np.unique(groups))
    sizes = np.array([(groups == name).sum() for name in names], np.int64)
    kept = names[np.cumsum(sizes) <= most] if len(names) else names
    return np.flatnonzero(np.isin(groups, kept)).astype(np.int64)


def _parted(pairs: ReadPairs, config: TunedConfig) -> tuple[Ints, Ints]:
    """Places of the pairs that teach, and of those of other groups that say when to stop."""
    names = array_generator(config.fit.seed, 73).permutation(np.unique(pairs.groups))
    chosen = names[: max(1, round(config.held_out * len(names)))]
    apart = np.isin(pairs.groups, chosen)
    counts = [int(found.sum()) for found in (pairs.bad, ~pairs.bad)]
    parts = [pairs.bad[mask] for mask in (apart, ~apart)]
    is_thin = min(counts) < config.least or len(names) < config.least_groups
    if is_thin or any(len(np.unique(part)) < 2 for part in parts):
        raise NothingToLearn(
            f"{counts[0]} bad and {counts[1]} good reviewed pairs of {len(names)} queries or "
            f"people are too few to tune on: {config.least} of each and {config.least_groups} are "
            "needed, and both kinds among those that say when to stop."
        )
    return np.flatnonzero(~apart).astype(np.int64), np.flatnonzero(apart).astype(np.int64)


def _states(pairs: ReadPairs, model_dir: Path, config: TunedConfig) -> TokenStates:
    texts = list(zip(pairs.asked, pairs.offered, strict=True))
    return encode_tokens(model_dir, texts, blocks=config.frozen, longest=config.tokens)


@torch.no_grad()
def _scores(net: PairNet, states: TokenStates, nearness: Floats, rows: Ints) -> DoubleFloats:
    net.eval()
    found = np.zeros(len(rows), np.float64)
    order = np.argsort(states.lengths[rows], kind="stable")
    for start in range(0, len(order), _AT_ONCE):
        part = order[start : start + _AT_ONCE]
        told = net(*states.padded(rows[part]), torch.from_numpy(nearness[rows[part]]))
        found[part] = told.numpy()
    return found
