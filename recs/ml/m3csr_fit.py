"""From histories and content to a fitted M3CSR, and from it to vectors and scores."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from recs.ml.content_space import Vectors
from recs.ml.errors import NothingToLearn
from recs.ml.histories import Histories
from recs.ml.item_content import ItemContent
from recs.ml.m3csr import M3csrNet, m3csr_loss
from recs.ml.m3csr_batches import PairBatches, Sides
from recs.ml.m3csr_config import PEOPLE_BY_ID, ContentTables, M3csrConfig
from recs.ml.m3csr_graph import EventGraph, KnownCounts
from recs.ml.metrics import ndcg_at
from recs.ml.scorers import VectorScorer, target_ranks
from recs.ml.seeding import array_generator, seed_everything
from recs.ml.semantic_ids import NO_CODE, Codebooks, fit_flat
from recs.ml.trainer import FitConfig, FitReport, RunOptions, fit

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

EVER = float("inf")
# People or items that are encoded at once.
_ROWS_AT_ONCE = 2048
# Validation asks so many people, drawn once.
_MOST_ASKED = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class DecayingFitConfig(FitConfig):
    """The published schedule: in `decay_epochs` epochs the learning rate falls to `decay` of it."""

    batch_size: int = 1024
    decay: float = 0.96
    decay_epochs: int = 50

    def rate_of_epoch(self, epoch: int) -> float:
        """The learning rate of an epoch, warm-up aside."""
        return float(self.learning_rate * self.decay ** (epoch / self.decay_epochs))


@dataclass(frozen=True, slots=True, kw_only=True)
class M3csrFitConfig:
    """The network, its training, and how many clusters (None follows the number of items)."""

    net: M3csrConfig = field(default_factory=M3csrConfig)
    fit: DecayingFitConfig = field(default_factory=DecayingFitConfig)
    clusters: int | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What validation asks: U histories, what came next, and the moment of the scores."""

    histories: Histories
    targets: Ints
    scored_at: float = EVER


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


def fit_m3csr(
    histories: Histories,
    content: ItemContent,
    config: M3csrFitConfig,
    options: RunOptions,
    *,
    asked: Asked | None = None,
    clusters: Ints | None = None,
) -> Fitted:
    """Train.

    Args:
        histories: what happened before the split. Clusters are of the items in it alone.
        content: of all items, also of those that nobody took yet.
        config: see there.
        options: of this run.
        asked: validation; None holds the last event of each history out for it.
        clusters: (N + 1,) int64 from 1, 0 for none, in place of the fitted ones (for ablations).

    Raises:
        NothingToLearn: where there are fewer than two items or no history of two events.
        ValueError: where content is not given, or no item of the histories has any.
    """
    if not content.vectors:
        raise ValueError("M3CSR needs the content of items, and none is given.")
    if asked is None:
        histories, asked = hold_out_last(histories)
    seed_everything(config.fit.seed)
    available = histories.counts(content.item_count) > 0
    flat = fit_flat(content.vectors, k=config.clusters, seed=config.fit.seed, available=available)
    tables = content_tables(content.vectors, flat, tuple(content.vectors))
    if clusters is not None:
        tables = dataclasses.replace(tables, clusters=torch.from_numpy(clusters))
    people = len(histories) if config.net.people == PEOPLE_BY_ID else 0
    fitted = Fitted(
        M3csrNet(config.net, tables, people), EventGraph(histories, content.item_count), flat
    )
    sides = Sides(fitted.graph, config.net)
    asked = _fewer(asked, config.fit.seed)
    report = fit(
        fitted.net,
        loss=m3csr_loss,
        batches=lambda epoch: PairBatches(
            sides, histories, config.fit.batch_size, (config.fit.seed, epoch)
        ),
        validate=lambda net: validation_ndcg(fitted, asked),
        config=config.fit,
        options=options,
    )
    return dataclasses.replace(fitted, report=report)


def hold_out_last(histories: Histories) -> tuple[Histories, Asked]:
    """The histories without the last event of those that have two, and those events asked for.

    Raises:
        NothingToLearn: no history has two.
    """
    long = np.flatnonzero(histories.lengths > 1)
    if not len(long):
        raise NothingToLearn("No history has two events, so there is nothing to predict.")
    last = np.zeros(len(histories.items), bool)
    last[histories.offsets[1:][long] - 1] = True
    kept = histories.only(~last)
    return kept, Asked(kept.select(long), histories.last_items()[long])


def validation_ndcg(fitted: Fitted, asked: Asked) -> float:
    """NDCG@10 of full ranking."""
    scorer = fitted.scorer(asked.histories, asked.scored_at)
    return float(ndcg_at(target_ranks(scorer, asked.histories, asked.targets), 10).mean())


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


def _fewer(asked: Asked, seed: int) -> Asked:
    if len(asked.targets) <= _MOST_ASKED:
        return asked
    rows = array_generator(seed, 0).permutation(len(asked.targets))[:_MOST_ASKED]
    return Asked(asked.histories.select(rows), asked.targets[rows], asked.scored_at)


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
