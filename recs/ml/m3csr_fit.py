"""From histories and content to a fitted M3CSR, and from it to vectors and scores."""

import dataclasses
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch

from recs.ml.errors import NothingToLearn
from recs.ml.histories import Histories
from recs.ml.item_content import ItemContent
from recs.ml.m3csr import M3csrNet, m3csr_loss
from recs.ml.m3csr_batches import PairBatches, Sides
from recs.ml.m3csr_config import PEOPLE_BY_ID, M3csrConfig
from recs.ml.m3csr_fitted import EVER, Fitted, content_tables
from recs.ml.m3csr_graph import EventGraph
from recs.ml.metrics import ndcg_at
from recs.ml.scorers import target_ranks
from recs.ml.seeding import array_generator, seed_everything
from recs.ml.semantic_ids import fit_flat
from recs.ml.trainer import FitConfig, RunOptions, fit

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

# Validation asks so many people, drawn once.
_MOST_ASKED = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class DecayingFitConfig(FitConfig):
    """The published schedule: in `decay_epochs` epochs the learning rate falls to `decay` of it."""

    batch_size: int = 1024
    # A gate is few weights that everything depends on; at the rate of the rest it hardly moves.
    rate_factors: tuple[tuple[str, float], ...] = (("gate.", 10.0), ("known.", 10.0))
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


def _fewer(asked: Asked, seed: int) -> Asked:
    if len(asked.targets) <= _MOST_ASKED:
        return asked
    rows = array_generator(seed, 0).permutation(len(asked.targets))[:_MOST_ASKED]
    return Asked(asked.histories.select(rows), asked.targets[rows], asked.scored_at)
