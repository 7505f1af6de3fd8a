"""One ranker for every surface: learned on what followed later requests, used on candidates.

Source: Bhattacharya et al., Joint Modeling of Search and Recommendations via a Unified Contextual
    Recommender (UniCoRn), RecSys 2024.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from scipy.optimize import minimize
from torch import Tensor

from recs.ml.batches import TensorBatch
from recs.ml.fit_types import FitConfig, RunOptions
from recs.ml.seeding import array_generator, seed_everything
from recs.ml.trainer import fit
from recs.ml.unified.feature_reader import FeatureReader, in_parts
from recs.ml.unified.features import NAMES_OF_ALL
from recs.ml.unified.judged import Judged, best_rows, hide_seen, hits
from recs.ml.unified.ranker_arrays import (
    RankerArrays,
    RankerScores,
    columns_read,
    mean_logits,
)
from recs.ml.unified.ranker_net import RankerNet, RankerNetConfig
from recs.ml.unified.shown import ShownLists
from recs.ml.unified.surfaces import TASKS, Requests

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]

_AT_ONCE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class RankerConfig:
    """How it learns."""

    net: RankerNetConfig = field(default_factory=RankerNetConfig)
    # Candidates that the index gives for a request; what is learned from is drawn of them.
    candidates: int = 500
    # Of a request's candidates the first so many, and so many of the others, are learned from.
    first: int = 30
    others: int = 30
    # Share of the people that decides when to stop.
    held_out: float = 0.15
    # Networks of different seeds, averaged.
    members: int = 3
    # Features, or groups of them, that are not read; an ablation.
    without: tuple[str, ...] = ()
    # How much an example of each task counts.
    task_weights: tuple[float, ...] = (1.0,) * len(TASKS)
    # The best epoch is kept, but none is the last because others were better: with few people to
    # decide it the score falls before it rises.
    fit: FitConfig = field(
        default_factory=lambda: FitConfig(
            epochs=60, learning_rate=2e-3, batch_size=32, schedule="cosine", weight_decay=1e-3,
            warmup_steps=20, patience=60, precision="fp32",
        )
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ranker:
    """Networks over features of the retriever's candidates."""

    scores: RankerScores
    reader: FeatureReader
    candidates: int

    def logits(self, requests: Requests, candidates: Ints) -> Floats:
        """(R, C) float32: calibrated log-odds that each is chosen."""
        return self.scores.logits(self.reader.read(requests, candidates))

    def rank(self, requests: Requests, k: int) -> Ints:
        """(R, k) int64 item rows, best first: the candidates by the ranker, 0 where they end."""
        return np.concatenate(
            [np.zeros((0, k), np.int64)]
            + [
                self._ranked(requests.select(rows), k)
                for rows in in_parts(len(requests), _AT_ONCE, lambda part: part)
            ]
        )

    def _ranked(self, requests: Requests, k: int) -> Ints:
        candidates = candidates_of(self.reader, requests, self.candidates)
        logits = np.where(candidates > 0, self.logits(requests, candidates), -np.inf)
        order = best_rows(np.concatenate([np.full((len(logits), 1), -np.inf), logits], axis=1), k)
        picked = np.take_along_axis(candidates, np.maximum(order - 1, 0), axis=1)
        return np.asarray(np.where(order > 0, picked, 0))


def candidates_of(reader: FeatureReader, requests: Requests, count: int) -> Ints:
    """(R, count) int64: the nearest items of the one index, less those that the rule hides."""
    retriever = reader.retriever
    scores = hide_seen(retriever.score(requests), requests, retriever.reader.log)
    return best_rows(scores, count)


def fit_ranker(
    reader: FeatureReader,
    drawn: "Lists",
    config: RankerConfig,
    options: RunOptions | None = None,
) -> Ranker:
    """Learn from lists of requests that came after the moment which the reader's facts are of.

    Args:
        reader: features as of an earlier moment.
        drawn: by draw_lists(), the same for every config that is compared.
        config: see its fields.
        options: where it runs.
    """
    weigh = np.asarray(config.task_weights, np.float32)[drawn.tasks]
    features = drawn.features * columns_read(config.without)
    lists = replace(drawn, features=features, weights=weigh)
    # What decides when to stop, and the odds, are of candidates as they come, whose place is 0.
    is_held = _held_out(lists, config)
    kept = ~(lists.shown & is_held)
    lists, is_held = lists.select(kept), is_held[kept]
    flat = lists.features[lists.shares > 0]
    mean, spread = flat.mean(axis=0), flat.std(axis=0)
    scale = np.where(spread > 1e-6, spread, 1.0).astype(np.float32)
    nets = []
    for number in range(config.members):
        own = replace(config, fit=_fit_of(config, number))
        net = _trained(lists, (mean, scale), is_held, own, options or RunOptions())
        weights = {name: t.detach().numpy().copy() for name, t in net.state_dict().items()}
        nets.append(RankerArrays(weights=weights, mean=mean, scale=scale))
    return Ranker(
        scores=RankerScores(
            nets=tuple(nets),
            calibration=_calibrated(tuple(nets), lists, is_held),
            without=config.without,
        ),
        reader=reader,
        candidates=config.candidates,
    )


@dataclass(frozen=True, slots=True)
class Lists:
    """V lists of C candidates to learn from.

    `features`: (V, C, F) float32. `labels`: (V, C) float32, 1 for what followed. `shares`: (V, C)
    float32, how many candidates of the request each stands for, 0 for none. `weights`: (V,)
    float32. `tasks`, `persons`: (V,) int64. `shown`: (V,) bool, people saw this very list.
    """

    features: Floats
    labels: Floats
    shares: Floats
    weights: Floats
    tasks: Ints
    persons: Ints
    shown: Bools

    def select(self, kept: Bools) -> "Lists":
        """Those that are marked."""
        return Lists(*(getattr(self, name)[kept] for name in self.__slots__))

    def __add__(self, other: "Lists") -> "Lists":
        """These, then the others; the narrower table is filled up with what stands for nothing."""
        width = max(self.labels.shape[1], other.labels.shape[1])

        def wide(table: Floats) -> Floats:
            missing = [(0, 0), (0, width - table.shape[1]), (0, 0)][: table.ndim]
            return np.pad(table, missing)

        return Lists(
            features=np.concatenate([wide(self.features), wide(other.features)]),
            labels=np.concatenate([wide(self.labels), wide(other.labels)]),
            shares=np.concatenate([wide(self.shares), wide(other.shares)]),
            weights=np.concatenate([self.weights, other.weights]),
            tasks=np.concatenate([self.tasks, other.tasks]),
            persons=np.concatenate([self.persons, other.persons]),
            shown=np.concatenate([self.shown, other.shown]),
        )


def draw_lists(reader: FeatureReader, judged: Judged, config: RankerConfig) -> Lists:
    """Of each request what followed and is among the candidates, and some of the others.

    Negatives are sampled: of each request's candidates the first ones and some of the others, less
    what followed. What people saw and passed over comes with shown_lists().

    An item that the index did not give is no example: as one it would say that items far from the
    request are good. And what is drawn by lot counts for all that was not drawn: else the nearest
    candidates, of which all are there, would seem to be the bad ones.
    """
    random = array_generator(config.fit.seed, 60)

    def drawn(rows: Ints) -> Ints:
        part = judged.select(rows)
        found = candidates_of(reader, part.requests, config.candidates)
        order, shares = _draw(hits(found, part), found > 0, config, random)
        picked = np.take_along_axis(found, order, axis=1)
        return np.stack([picked.astype(np.float64), shares], axis=2)

    both = np.concatenate(in_parts(len(judged), _AT_ONCE, drawn))
    candidates, shares = both[..., 0].astype(np.int64), both[..., 1].astype(np.float32)
    labels = hits(candidates, judged)
    # A request of which the index found nothing teaches nothing about the order of candidates.
    told = np.flatnonzero(labels.any(axis=1))
    features = in_parts(
        len(told),
        _AT_ONCE,
        lambda rows: reader.read(judged.requests.select(told[rows]), candidates[told[rows]]),
    )
    return Lists(
        features=np.concatenate(features),
        labels=labels[told].astype(np.float32),
        shares=shares[told],
        weights=np.ones(len(told), np.float32),
        tasks=judged.requests.tasks[told].astype(np.int64),
        persons=judged.requests.persons[told],
        shown=np.zeros(len(told), np.bool_),
    )


def shown_lists(reader: FeatureReader, shown: ShownLists) -> Lists:
    """Lists that people saw, to learn from beside those that are drawn.

    What was taken is good, what was passed over is not, each at its place; the rest of a list, of
    which nobody knows whether it was seen, says nothing. A list of which nothing known was taken,
    or nothing passed over, is left out.

    Args:
        reader: features as of an earlier moment.
        shown: later lists.
    """
    labels = shown.taken & (shown.items > 0)
    passed = shown.passed_over()
    told = shown.select(np.flatnonzero(labels.any(axis=1) & passed.any(axis=1)))
    labels, passed = told.taken & (told.items > 0), told.passed_over()
    parts = in_parts(
        len(told),
        _AT_ONCE,
        lambda rows: reader.read(told.requests.select(rows), told.items[rows], told.places[rows]),
    )
    empty = np.zeros((0, told.items.shape[1], len(NAMES_OF_ALL)), np.float32)
    return Lists(
        features=np.concatenate([empty, *parts]),
        labels=labels.astype(np.float32),
        shares=(labels | passed).astype(np.float32),
        weights=np.ones(len(told), np.float32),
        tasks=told.requests.tasks.astype(np.int64),
        persons=told.requests.persons,
        shown=np.ones(len(told), np.bool_),
    )


def _draw(
    good: Bools, real: Bools, config: RankerConfig, random: np.random.Generator
) -> tuple[Ints, Floats]:
    """Places (R, first + others) among the candidates, and how many each stands for."""
    by_lot = np.ones(good.shape, np.bool_)
    by_lot[:, : config.first] = False
    by_lot &= ~good & real
    # What followed first, then the first ones, then the others by lot, padding last.
    key = np.where(by_lot, random.random(good.shape) + 1.0, 0.5)
    key[good] = 0.0
    key[~real] = 3.0
    order = key.argsort(axis=1, kind="stable")[:, : config.first + config.others]
    picked = np.take_along_axis(by_lot, order, axis=1)
    each = by_lot.sum(axis=1) / np.maximum(picked.sum(axis=1), 1)
    shares = np.where(picked, each[:, None], 1.0)
    shares[~np.take_along_axis(real, order, axis=1)] = 0.0
    return order, shares.astype(np.float32)


def _held_out(lists: Lists, config: RankerConfig) -> Bools:
    """(V,) bool: lists of people who decide when to stop, and by whom the odds are calibrated."""
    people = np.unique(lists.persons)
    random = array_generator(config.fit.seed, 61)
    held = random.permutation(people)[: max(1, round(config.held_out * len(people)))]
    return np.asarray(np.isin(lists.persons, held))


def _fit_of(config: RankerConfig, number: int) -> FitConfig:
    """Each network's own seed."""
    return replace(config.fit, seed=config.fit.seed * 100 + number)


def _calibrated(nets: tuple[RankerArrays, ...], lists: Lists, rows: Bools) -> tuple[float, float]:
    """Slope and constant of least cross entropy on people of whom the weights learned nothing.

    Source: Platt, Probabilistic Outputs for Support Vector Machines, 1999.
    """
    if not rows.any():
        return 1.0, 0.0
    logits = mean_logits(nets, lists.features[rows]).astype(np.float64)
    labels, shares = lists.labels[rows], lists.shares[rows]

    def entropy(values: npt.NDArray[np.float64]) -> float:
        odds = np.exp(values[0]) * logits + values[1]
        return float((shares * (np.logaddexp(0.0, odds) - labels * odds)).sum() / shares.sum())

    # The slope as an exponent: above 0, so that the order stays.
    found = minimize(entropy, np.zeros(2), method="Nelder-Mead")
    return float(np.exp(found.x[0])), float(found.x[1])


def _trained(
    lists: Lists,
    scaling: tuple[Floats, Floats],
    is_held: Bools,
    config: RankerConfig,
    options: RunOptions,
) -> RankerNet:
    """One network; people of the held-out share decide when it stops."""
    seed = config.fit.seed
    seed_everything(seed)
    net = RankerNet(lists.features.shape[2], config.net)
    features = torch.from_numpy((lists.features - scaling[0]) / scaling[1])
    labels, shares = torch.from_numpy(lists.labels), torch.from_numpy(lists.shares)
    weights = torch.from_numpy(lists.weights)
    learned, held = np.flatnonzero(~is_held), np.flatnonzero(is_held)

    def batches(epoch: int) -> Iterator[TensorBatch]:
        mixed = array_generator(seed, 62, epoch).permutation(learned)
        for start in range(0, len(mixed), config.fit.batch_size):
            rows = torch.from_numpy(mixed[start : start + config.fit.batch_size])
            yield TensorBatch((features[rows], labels[rows], shares[rows], weights[rows]))

    def loss(trained: RankerNet, batch: TensorBatch) -> Tensor:
        read, wanted, stands_for, weigh = batch.tensors
        each = F.binary_cross_entropy_with_logits(trained(read), wanted, reduction="none")
        share = stands_for * weigh.unsqueeze(1)
        return (each * share).sum() / share.sum().clamp(min=1e-9)

    def gain(trained: RankerNet) -> float:
        return _ndcg(trained, features[held], labels[held], shares[held], lists.tasks[held])

    fit(
        net,
        loss=loss,
        batches=batches,
        validate=gain if len(held) else None,
        config=config.fit,
        options=replace(options, device="cpu", checkpoint_dir=None, progress=None),
    )
    return net


def _ndcg(net: RankerNet, features: Tensor, labels: Tensor, shares: Tensor, tasks: Ints) -> float:
    """NDCG@10 as it is to be expected among all candidates, the mean of the surfaces' means."""
    with torch.no_grad():
        logits = net(features).masked_fill(shares == 0, -torch.inf)
    order = logits.argsort(dim=1, descending=True)
    # A candidate that stands for many takes as many places.
    places = shares.gather(1, order).cumsum(dim=1) - 1
    discounts = torch.where(places < 10, 1.0 / torch.log2(places + 2.0), 0.0)
    found = (labels.gather(1, order) * discounts).sum(dim=1)
    ideal = torch.cumsum(1.0 / torch.log2(torch.arange(10) + 2.0), 0)
    gains = (found / ideal[(labels.sum(dim=1).clamp(1, 10) - 1).long()]).numpy()
    return float(np.mean([gains[tasks == task].mean() for task in np.unique(tasks)]))
