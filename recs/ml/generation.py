"""Generation: a history becomes the semantic ID of what may come next, code by code."""

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recs.ml.batches import BatchConfig, SequenceBatch, history_batch, next_item_batches
from recs.ml.errors import NothingToLearn
from recs.ml.fit_types import FitConfig
from recs.ml.generation_search import CodeTrie, beam_search
from recs.ml.histories import Histories
from recs.ml.item_content import ItemContent
from recs.ml.seeding import seed_everything
from recs.ml.semantic_ids import NO_CODE, SemanticIdConfig, collisions, fit_residual
from recs.ml.sequence_data import SequenceData, TrainOptions
from recs.ml.trainer import fit
from recs.ml.transformer import Transformer, TransformerConfig

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]

# Score of an item that the beam did not reach.
NOT_FOUND = -1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationConfig:
    """Sizes, training and how wide the search is."""

    body: TransformerConfig = field(
        default_factory=lambda: TransformerConfig(embedding_size=128, dropout=0.3)
    )
    codes: SemanticIdConfig = field(default_factory=SemanticIdConfig)
    # Newest events that are read.
    longest: int = 50
    # Paths kept at each level, and so items that come out.
    beam: int = 50
    fit: FitConfig = field(
        default_factory=lambda: FitConfig(epochs=60, learning_rate=3e-3, patience=5)
    )

    def __post_init__(self) -> None:
        """Refuse numbers that mean nothing."""
        if self.longest < 1 or self.beam < 1:
            raise ValueError("longest and beam count from 1.")


@dataclass(frozen=True, slots=True)
class ItemCodes:
    """Whole IDs of N items: the residual codes and the collision number as the last of L levels.

    `paths`: (N + 1, L) int64, from 0, NO_CODE (-1) in rows without content and in row 0.
    `sizes`: codes of each level.
    """

    paths: Ints
    sizes: tuple[int, ...]


def item_codes(
    content: ItemContent, config: SemanticIdConfig, *, seed: int, available: Bools | None = None
) -> ItemCodes:
    """Codes by content, fitted on the available items and given to all.

    Args:
        content: of N items.
        config: levels and sizes.
        seed: equal ones give equal codes.
        available: (N + 1,) bool, items that the codebooks are fitted on; None for all.

    Raises:
        ValueError: where no available item has content.
    """
    vectors = {name: table[1:] for name, table in content.vectors.items()}
    if not vectors:
        raise ValueError("No item has content to make codes of.")
    fitted = None if available is None else available[1:]
    books = fit_residual(vectors, config=config, seed=seed, available=fitted)
    codes = books.assign(vectors)
    return with_collisions(codes, books.sizes)


def with_collisions(codes: Ints, sizes: tuple[int, ...]) -> ItemCodes:
    """Whole IDs of N items from their codes (N, L - 1), without the padding's row."""
    known = (codes != NO_CODE).all(axis=1)
    last = np.full(len(codes), NO_CODE, np.int64)
    last[known] = collisions(codes[known])
    paths = np.concatenate([codes, last[:, None]], axis=1)
    paths = np.concatenate([np.full((1, paths.shape[1]), NO_CODE), paths])
    return ItemCodes(paths.astype(np.int64), (*sizes, int(last.max(initial=0)) + 1))


class Generator(nn.Module):
    """A transformer over histories of codes, and a recurrent decoder from code to code.

    An item is read as the sum of its codes' embeddings; the same embeddings are what the decoder
    chooses from. No weight belongs to an item, so one that training never saw can be read and
    generated.

    Source: Rajput et al., Recommender Systems with Generative Retrieval (TIGER), NeurIPS 2023.
    Differs from the paper: see `recs.ml.family`.
    """

    paths: Tensor

    def __init__(self, config: GenerationConfig, codes: ItemCodes) -> None:
        """Weights drawn from torch's global generator."""
        super().__init__()
        size = config.body.embedding_size
        self.config, self.sizes = config, codes.sizes
        self.codes = nn.ModuleList(nn.Embedding(count, size) for count in codes.sizes)
        self.biases = nn.ParameterList(torch.zeros(count) for count in codes.sizes)
        for weight in self.codes.parameters():
            nn.init.normal_(weight, std=0.02)
        self.body = Transformer(config.body)
        self.decoder = nn.GRUCell(size, size)
        self.norm = nn.LayerNorm(size)
        self.dropout = nn.Dropout(config.body.dropout)
        self.use(codes)

    def use(self, codes: ItemCodes) -> None:
        """Read items by these codes from now on: the same codebooks, more items or others."""
        last = torch.tensor(codes.sizes).clamp(max=torch.tensor(self.sizes)) - 1
        paths = torch.minimum(torch.from_numpy(codes.paths), last)
        self.register_buffer("paths", paths, persistent=False)

    def read(self, items: Tensor) -> Tensor:
        """(...) int64 items to (..., D): sums of their codes' embeddings, zeros without codes."""
        paths = self.paths[items]  # (..., L)
        summed = sum(
            table(paths[..., level].clamp(min=0)) for level, table in enumerate(self.codes)
        )
        known = (paths[..., 0] != NO_CODE).unsqueeze(-1)
        read: Tensor = summed * known * self.config.body.embedding_size**0.5
        return read

    def forward(self, batch: SequenceBatch) -> Tensor:
        """(B, T, D) float, the decoder's first state at each position."""
        hidden: Tensor = self.body(self.read(batch.items), batch.items != 0)
        return hidden

    def log_probabilities(self, level: int, states: Tensor) -> Tensor:
        """(..., D) states to (..., C) log probabilities of that level's codes."""
        table = self.codes[level].weight
        return F.log_softmax(self.norm(states) @ table.T + self.biases[level], dim=-1)

    def next_states(self, level: int, states: Tensor, codes: Tensor) -> Tensor:
        """(..., D) states and (...) codes chosen at that level to the next (..., D) states."""
        chosen = self.dropout(self.codes[level](codes))
        after = self.decoder(chosen.flatten(0, -2), states.flatten(0, -2))
        following: Tensor = after.view_as(states)
        return following


def generation_loss(net: Generator, batch: SequenceBatch) -> Tensor:
    """() float: cross entropy of all codes of what followed, summed over levels, in nats.

    What followed without codes is left out; where nothing is left the loss is 0.
    """
    paths = net.paths[batch.targets]  # (B, T, L)
    wanted = (batch.targets != 0) & (paths[..., 0] != NO_CODE)
    states, codes = net(batch)[wanted], paths[wanted]  # (P, D), (P, L)
    total = states.sum() * 0.0
    for level in range(codes.shape[1]):
        logs = net.log_probabilities(level, net.dropout(states))
        total = total - logs.gather(1, codes[:, level : level + 1]).sum()
        if level + 1 < codes.shape[1]:
            states = net.next_states(level, states, codes[:, level])
    mean: Tensor = total / max(len(codes), 1)
    return mean


@dataclass(frozen=True, slots=True)
class GenerationScorer:
    """A Scorer and a source of candidates: what the search finds, by log probability.

    `epochs`: after how many validation found it best, None where nobody validated.
    """

    net: Generator
    trie: CodeTrie
    beam: int
    epochs: int | None = None

    @classmethod
    def of(cls, net: Generator, codes: ItemCodes, beam: int | None = None) -> "GenerationScorer":
        """Over these items, which may be more than the network was trained on.

        Raises:
            ValueError: where two items have one ID, or none has any.
        """
        net.use(codes)
        device = next(net.parameters()).device
        net.to(device)
        trie = CodeTrie.of(codes.paths, net.sizes).to(device)
        return cls(net, trie, beam or net.config.beam)

    @property
    def item_count(self) -> int:
        """N."""
        return len(self.net.paths) - 1

    def generate(self, histories: Histories, persons: Ints) -> tuple[Ints, Floats]:
        """The likeliest items of some people.

        Returns:
            (B, K) int64, best first, 0 where there are no more; (B, K) float32 log probabilities.
        """
        self.net.eval()
        device = self.trie.items.device
        items = np.zeros((len(persons), self.beam), np.int64)
        scores = np.full((len(persons), self.beam), -np.inf, np.float32)
        order = np.argsort(histories.lengths[persons], kind="stable")
        for part in np.array_split(order, max(1, len(order) // 128)):
            with torch.inference_mode():
                batch = history_batch(histories, persons[part], self.net.config.longest)
                found, logs = beam_search(
                    self.net(batch.to(device))[:, -1],
                    self.trie,
                    log_probabilities=self.net.log_probabilities,
                    next_states=self.net.next_states,
                    beam=self.beam,
                )
            items[part], scores[part] = found.cpu().numpy(), logs.cpu().numpy()
        return items, scores

    def score(self, histories: Histories, persons: Ints) -> Floats:
        """(B, N + 1) float32: log probabilities of what was found, NOT_FOUND for the rest."""
        items, logs = self.generate(histories, persons)
        scores = np.full((len(persons), self.item_count + 1), NOT_FOUND, np.float32)
        np.put_along_axis(scores, items, np.where(items > 0, logs, NOT_FOUND), axis=1)
        scores[:, 0] = -np.inf
        return scores


def train_generation(
    data: SequenceData, config: GenerationConfig, options: TrainOptions
) -> GenerationScorer:
    """Codes by content, fitted on items that have events, and a network that generates them.

    Stopped by validation; without targets, by the epochs.

    Raises:
        NothingToLearn: where no item with events has content, or no history two events.
    """
    seed_everything(options.seed)
    counts = data.histories.counts(data.item_count)
    try:
        codes = item_codes(data.content, config.codes, seed=options.seed, available=counts > 0)
    except ValueError as error:
        raise NothingToLearn(str(error)) from error
    net = Generator(config, codes)
    sample = data.sample(min(options.most_validation_people, 2_000), options.seed)
    batching = BatchConfig(
        longest=config.longest, batch_size=config.fit.batch_size, seed=options.seed
    )
    report = fit(
        net,
        loss=generation_loss,
        batches=lambda epoch: next_item_batches(data.histories, batching, epoch=epoch),
        config=replace(config.fit, seed=options.seed),
        validate=sample.validation(lambda trained: GenerationScorer.of(trained, codes, beam=20)),
        options=options.run_options(),
    )
    return replace(GenerationScorer.of(net, codes), epochs=report.best_epoch)
