"""From events to a trained user model: what is fitted, in which order, for how long."""

import math
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import torch

from recs.ml.batches import BatchConfig, next_item_batches
from recs.ml.errors import NothingToLearn
from recs.ml.fit_types import FitConfig, FitReport
from recs.ml.histories import Histories
from recs.ml.item_content import ItemContent
from recs.ml.item_facts import ItemFacts, ItemFactsConfig, fit_item_facts
from recs.ml.known import KnownTimes, known_times
from recs.ml.sampling import ItemSampler
from recs.ml.seeding import seed_everything
from recs.ml.semantic_ids import SemanticIds
from recs.ml.sequence_data import SequenceData, TrainOptions
from recs.ml.trainer import fit
from recs.ml.user_model import (
    UserModel,
    UserModelConfig,
    encode_items,
    encode_users,
    next_item_loss,
    published_loss,
)

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]

LOSSES = ("softmax", "bce")


@dataclass(frozen=True, slots=True, kw_only=True)
class UserModelSettings:
    """Everything that changes what is computed: network, content, training."""

    net: UserModelConfig = field(default_factory=UserModelConfig)
    facts: ItemFactsConfig = field(default_factory=ItemFactsConfig)
    fit: FitConfig = field(
        default_factory=lambda: FitConfig(
            learning_rate=1.5e-3, schedule="cosine", patience=3, validate_every=2
        )
    )
    # "softmax", or "bce" as SASRec was published.
    loss: str = "softmax"
    # A step predicts about so many next items, whatever the histories' length ...
    predictions_a_step: int = 1536
    # ... and a run has about so many steps, in epochs between these bounds.
    steps: int = 1800
    epochs: tuple[int, int] = (20, 30)
    # Catalogues of more items are trained with so many sampled candidates and log-Q correction.
    full_softmax_items: int = 50_000
    samples: int = 8192

    def __post_init__(self) -> None:
        """Refuse an unknown loss."""
        if self.loss not in LOSSES:
            raise ValueError(f"loss is one of {', '.join(LOSSES)}, not {self.loss!r}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedUserModel:
    """A trained network and what it needs to read histories and new items; a Scorer.

    `items`: (N + 1, D) float32, vectors of the items as candidates.
    """

    net: UserModel
    facts: ItemFacts
    known: KnownTimes
    items: Floats
    report: FitReport

    @property
    def item_count(self) -> int:
        """N."""
        return len(self.items) - 1

    def users(self, histories: Histories) -> Floats:
        """(U, D) float32, vectors of people from what they did."""
        return encode_users(self.net, histories, self.known)

    def forgetting(self, is_new: Bools, content: ItemContent) -> "FittedUserModel":
        """The same with these items as candidates that nobody wanted yet.

        Args:
            is_new: (N + 1,) bool.
            content: of all N items.
        """
        counts = 2 ** np.maximum(self.known.now() - 1, 0) * (self.known.now() > 0)
        self.net.items.use(self.facts.tables(content, np.where(is_new, 0, counts)))
        items = encode_items(self.net)
        self.net.items.use(self.facts.tables(content, counts))
        return replace(self, items=items)

    def score(self, histories: Histories, persons: Ints) -> Floats:
        """(B, N + 1) float32; see `Scorer`."""
        scores = self.users(histories.select(persons)) @ self.items.T
        scores[:, 0] = -np.inf
        return np.asarray(scores, np.float32)


def fit_user_model(
    data: SequenceData,
    settings: UserModelSettings,
    options: TrainOptions,
    semantic_ids: SemanticIds | None = None,
) -> FittedUserModel:
    """A user model trained on the histories, stopped by validation.

    Args:
        data: events to learn from; items without any are still given vectors, by their content.
        settings: see its fields.
        options: seed, time, who hears of it.
        semantic_ids: those that the installation has; None fits them on the items with events.

    Raises:
        NothingToLearn: where no history has two events.
    """
    counts = data.histories.counts(data.item_count)
    if not (data.histories.lengths > 1).any():
        raise NothingToLearn("No history has two events, so there is nothing to predict.")
    facts = fit_item_facts(data.content, counts > 0, settings.facts, semantic_ids)
    known = known_times(data.histories, data.item_count)
    seed_everything(options.seed)
    net = UserModel(settings.net, facts.tables(data.content, counts))
    sample = data.sample(options.most_validation_people, options.seed)
    batching, config = _plan(data.histories, settings, options.seed)
    known_before = known.before(data.histories)

    def ndcg(trained: UserModel) -> float:
        return sample.ndcg(_Snapshot(trained, known, encode_items(trained)))

    report = fit(
        net,
        loss=_loss(settings, counts),
        batches=lambda epoch: next_item_batches(
            data.histories, batching, epoch=epoch, known=known_before
        ),
        config=config,
        # With nobody to validate on, all epochs count.
        validate=ndcg if len(sample.targets) else None,
        options=options.run_options(),
    )
    net.cpu()
    return FittedUserModel(
        net=net, facts=facts, known=known, items=encode_items(net), report=report
    )


def refit_user_model(
    chosen: FittedUserModel,
    data: SequenceData,
    settings: UserModelSettings,
    options: TrainOptions,
) -> FittedUserModel:
    """The same network from the start, on more events, for as long as validation chose.

    Args:
        chosen: fitted and validated on fewer events; its content maps and codes are kept.
        data: the events; its targets are not read.
        settings: as the chosen one was fitted with.
        options: see `fit_user_model`.
    """
    best = chosen.report.best_epoch
    counts = data.histories.counts(data.item_count)
    known = known_times(data.histories, data.item_count)
    seed_everything(options.seed)
    net = UserModel(settings.net, chosen.facts.tables(data.content, counts))
    batching, config = _plan(data.histories, settings, options.seed)
    known_before = known.before(data.histories)
    planned = _plan_epochs(config, best)
    report = fit(
        net,
        loss=_loss(settings, counts),
        batches=lambda epoch: next_item_batches(
            data.histories, batching, epoch=epoch, known=known_before
        ),
        config=planned,
        options=options.run_options(),
    )
    net.cpu()
    return replace(chosen, net=net, known=known, items=encode_items(net), report=report)


def _plan_epochs(config: FitConfig, best: int | None) -> FitConfig:
    """Epochs up to the best one of the validated run, where there was one."""
    return config if best is None else replace(config, epochs=max(1, min(config.epochs, best + 1)))


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """The network in the middle of training as a Scorer."""

    net: UserModel
    known: KnownTimes
    items: Floats

    @property
    def item_count(self) -> int:
        return len(self.items) - 1

    def score(self, histories: Histories, persons: Ints) -> Floats:
        users = torch.from_numpy(encode_users(self.net, histories.select(persons), self.known))
        scores: Floats = (users @ torch.from_numpy(self.items).T).numpy()
        scores[:, 0] = -np.inf
        return scores


def _plan(
    histories: Histories, settings: UserModelSettings, seed: int
) -> tuple[BatchConfig, FitConfig]:
    """How many histories share a step, and how many epochs there are."""
    longest = settings.net.longest
    predictions = np.minimum(np.maximum(histories.lengths - 1, 0), longest)
    people, total = int((predictions > 0).sum()), int(predictions.sum())
    rows = max(1, round(settings.predictions_a_step * people / max(total, 1)))
    steps_an_epoch = math.ceil(people / rows)
    least, most = settings.epochs
    epochs = int(np.clip(round(settings.steps / steps_an_epoch), least, most))
    batching = BatchConfig(longest=longest, batch_size=rows, seed=seed)
    config = replace(settings.fit, batch_size=rows, epochs=epochs, seed=seed)
    return batching, config


def _loss(settings: UserModelSettings, counts: Ints):  # type: ignore[no-untyped-def]
    if settings.loss == "bce":
        return published_loss(ItemSampler(counts, power=0.0))
    if len(counts) - 1 > settings.full_softmax_items:
        return next_item_loss(sampler=ItemSampler(counts), samples=settings.samples)
    return next_item_loss()
