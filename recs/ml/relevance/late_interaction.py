"""Each word of a query looks for its like in the title: MiniLM's upper blocks, fine-tuned on it.

Source: Khattab and Zaharia, ColBERT, SIGIR 2020 (the greatest cosine of each token of the query).
Differs from the paper: the encoder is the packaged MiniLM, whose tokens match well before any
    training; its lower blocks are frozen and run once; tokens of the query have weights that are
    learned; the cosine of the mean states stands beside it; the loss compares products of a query.
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
from recs.ml.fit_types import FitConfig, RunOptions
from recs.ml.relevance.pairs import Pairs, numbers_of
from recs.ml.relevance.token_states import TokenStates, encode_tokens, read_blocks, run_blocks
from recs.ml.seeding import array_generator, seed_everything
from recs.ml.trainer import fit

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

_AT_ONCE = 128
# A title without a token of a query's kind is as far as can be.
_FAR = -1.0
_MOST_GAIN = 7.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LateConfig:
    """How it reads and learns."""

    # Of the encoder's six, the blocks that stay as they are.
    frozen: int = 4
    query_tokens: int = 24
    title_tokens: int = 36
    # Pairs of one query in a batch.
    of_query: int = 16
    fit: FitConfig = field(
        default_factory=lambda: FitConfig(
            epochs=3, learning_rate=5e-5, batch_size=32, schedule="cosine", weight_decay=0.01,
            warmup_steps=20, clip_norm=1.0, patience=0, precision="fp32",
            rate_factors=(("weight", 20.0), ("scales", 100.0)),
        )
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class PairTokens:
    """P pairs after the frozen blocks: distinct queries and titles, and (P,) int64 which is whose.

    `groups`: (P,) int64, the query of each.
    """

    queries: TokenStates
    titles: TokenStates
    query_rows: Ints
    title_rows: Ints

    def tensors(self, rows: Ints) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """States and masks of the queries and of the titles of some pairs."""
        return (
            *self.queries.padded(self.query_rows[rows]),
            *self.titles.padded(self.title_rows[rows]),
        )


def read_tokens(pairs: Pairs, model_dir: Path, config: LateConfig) -> PairTokens:
    """Queries and titles through the frozen blocks, each distinct one once."""
    queries, query_rows = numbers_of(pairs.queries)
    titles, title_rows = numbers_of(pairs.titles)
    blocks = config.frozen
    return PairTokens(
        queries=encode_tokens(model_dir, queries, blocks=blocks, longest=config.query_tokens),
        titles=encode_tokens(model_dir, titles, blocks=blocks, longest=config.title_tokens),
        query_rows=query_rows,
        title_rows=title_rows,
    )


class LateNet(nn.Module):
    """Token states of a query and a title to a score; before training, two cosines' sum."""

    def __init__(self, blocks: nn.ModuleList, size: int) -> None:
        """Blocks with their packaged weights; every token of a query counts the same."""
        super().__init__()
        self.blocks = blocks
        self.weight = nn.Linear(size, 1)
        nn.init.zeros_(self.weight.weight)
        nn.init.zeros_(self.weight.bias)
        # A difference of .1 between two cosines is then 1 in log-odds.
        self.scales = nn.Parameter(torch.tensor([10.0, 10.0]))

    def forward(self, query: Tensor, in_query: Tensor, title: Tensor, in_title: Tensor) -> Tensor:
        """(B,) float: log-odds up to a constant of the query.

        Args:
            query: (B, T, D) float, after the frozen blocks.
            in_query: (B, T) bool, whether there is a token.
            title: (B, S, D) float.
            in_title: (B, S) bool.
        """
        matches, cosine = self.matches(query, in_query, title, in_title)
        return self.scales[0] * matches + self.scales[1] * cosine

    def matches(
        self, query: Tensor, in_query: Tensor, title: Tensor, in_title: Tensor
    ) -> tuple[Tensor, Tensor]:
        """(B,) float each: the weighted mean of the best matches, the cosine of the means."""
        asked = run_blocks(self.blocks, query, in_query)  # (B, T, D)
        read = run_blocks(self.blocks, title, in_title)  # (B, S, D)
        cosines = F.normalize(asked, dim=-1) @ F.normalize(read, dim=-1).transpose(1, 2)
        cosines = cosines.masked_fill(~in_title.unsqueeze(1), _FAR)  # (B, T, S)
        weights = self.weight(asked)[..., 0].masked_fill(~in_query, -1e4).softmax(dim=-1)
        best = (cosines.amax(dim=-1) * weights).sum(dim=-1)
        means = [
            (states * kept.unsqueeze(-1)).sum(dim=1)
            for states, kept in ((asked, in_query), (read, in_title))
        ]
        return best, F.cosine_similarity(means[0], means[1])


def order_loss(scores: Tensor, gains: Tensor, groups: Tensor, weights: Tensor) -> Tensor:
    """Which of two products of a query is better.

    Source: Burges, From RankNet to LambdaRank to LambdaMART, 2010, section 2.
    Differs from the paper: a comparison weighs by how far the gains are apart.

    Args:
        scores: (B,) float.
        gains: (B,) float.
        groups: (B,) int64, which query.
        weights: (B,) float, how much a pair counts.

    Returns:
        () float, nats; 0 where nothing can be compared.
    """
    apart = (gains.unsqueeze(1) - gains.unsqueeze(0)).clamp(min=0.0)  # (B, B)
    share = apart * (groups.unsqueeze(1) == groups.unsqueeze(0))
    share = share * weights.unsqueeze(1) * weights.unsqueeze(0)
    compared = F.softplus(scores.unsqueeze(0) - scores.unsqueeze(1)) * share
    return compared.sum() / share.sum().clamp(min=1e-6)


def untrained(model_dir: Path, config: LateConfig) -> LateNet:
    """The packaged weights as they are."""
    blocks = read_blocks(model_dir, first=config.frozen)
    return LateNet(blocks, blocks[0].linear2.out_features).eval()  # type: ignore[union-attr, arg-type]


def fit_late(
    tokens: PairTokens,
    pairs: Pairs,
    rows: Ints,
    model_dir: Path,
    config: LateConfig,
    options: RunOptions | None = None,
) -> LateNet:
    """Fine-tune on some of the pairs; where people were apart, a pair counts less.

    Args:
        tokens: of all P pairs after `config.frozen` blocks.
        pairs: P.
        rows: which of them are learned from; each has a grade.
        model_dir: where the blocks' weights are.
        config: see its fields.
        options: where it runs and who hears of it.
    """
    seed_everything(config.fit.seed)
    net = untrained(model_dir, config)
    gains = torch.from_numpy(pairs.gains / np.float32(_MOST_GAIN))
    groups = torch.from_numpy(pairs.groups)
    weights = torch.from_numpy(1.0 / (1.0 + pairs.variances**2))

    def batches(epoch: int) -> Iterator[TensorBatch]:
        for chosen in _batches(pairs.groups, rows, config, epoch):
            places = torch.from_numpy(chosen)
            about = (gains[places], groups[places], weights[places])
            yield TensorBatch((*tokens.tensors(chosen), *about))

    def loss(trained: LateNet, batch: TensorBatch) -> Tensor:
        query, in_query, title, in_title, *about = batch.tensors
        return order_loss(trained(query, in_query, title, in_title), *about)

    fit(
        net,
        loss=loss,
        batches=batches,
        config=config.fit,
        options=replace(options or RunOptions(), device="cpu", checkpoint_dir=None),
    )
    return net


def _batches(groups: Ints, rows: Ints, config: LateConfig, epoch: int) -> Iterator[Ints]:
    """Each pair once, several of one query together."""
    random = array_generator(config.fit.seed, 70, epoch)
    mixed = random.permutation(rows)
    mixed = mixed[np.argsort(groups[mixed], kind="stable")]
    lists = np.split(mixed, np.flatnonzero(np.diff(groups[mixed])) + 1)
    parts = [
        part
        for listed in lists
        for part in np.array_split(listed, max(1, round(len(listed) / config.of_query)))
    ]
    of_batch = max(1, config.fit.batch_size // config.of_query)
    order = random.permutation(len(parts))
    for start in range(0, len(order), of_batch):
        yield np.concatenate([parts[place] for place in order[start : start + of_batch]])


@torch.no_grad()
def score_late(net: LateNet, tokens: PairTokens, rows: Ints) -> Floats:
    """(R,) float32 of some of the pairs."""
    net.eval()
    found = np.zeros(len(rows), np.float32)
    order = np.argsort(tokens.titles.lengths[tokens.title_rows[rows]], kind="stable")
    for start in range(0, len(order), _AT_ONCE):
        part = order[start : start + _AT_ONCE]
        found[part] = net(*tokens.tensors(rows[part])).numpy()
    return found
