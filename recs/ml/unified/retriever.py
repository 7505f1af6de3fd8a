"""The fitted towers: requests and items in one space, and scores of all items."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from recs.ml.fit_types import FitReport, RunOptions
from recs.ml.seeding import seed_everything
from recs.ml.trainer import fit
from recs.ml.unified.batches import ExampleBatch, ExampleBatches, RequestReader
from recs.ml.unified.config import UnifiedConfig
from recs.ml.unified.judged import Judged, rank_requests, recall_of
from recs.ml.unified.losses import pairwise_loss, softmax_loss, threshold_loss
from recs.ml.unified.prepared import Prepared
from recs.ml.unified.quality import with_quality, with_weights
from recs.ml.unified.surfaces import Requests, SurfaceLog
from recs.ml.unified.towers import Towers

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Retriever:
    """Trained towers with what they read; `weights`: (F,) float32, the constant part of q'."""

    towers: Towers
    reader: RequestReader
    quality: Floats
    weights: Floats

    def encode(self, requests: Requests) -> Floats:
        """(R, D) float32 of unit length."""
        with torch.inference_mode():
            found = [
                self.towers.encode_requests(self.reader.read(requests.select(rows))).numpy()
                for rows in _parts(len(requests))
            ]
        size = self.towers.config.embedding_size
        return np.concatenate(found) if found else np.zeros((0, size), np.float32)

    @property
    def items(self) -> Floats:
        """(N + 1, D) float32 of unit length."""
        return np.asarray(self.towers.catalogue.numpy(), np.float32)

    @property
    def parameters(self) -> int:
        """How many numbers were learned."""
        return sum(weight.numel() for weight in self.towers.parameters() if weight.requires_grad)

    def score(self, requests: Requests) -> Floats:
        """(R, N + 1) float32: p'.q' of every item."""
        items = with_quality(self.items, self.quality)
        return with_weights(self.encode(requests), self.weights) @ items.T

    def with_weights_of(self, weights: Floats) -> "Retriever":
        """The same with other weights of quality."""
        return replace(self, weights=weights)


def reader_of(prepared: Prepared, config: UnifiedConfig, log: SurfaceLog) -> RequestReader:
    """Reads requests of that folder; of the log it reads what lies before each request."""
    return RequestReader(
        log=log,
        first_title=prepared.texts.first_title,
        history=config.tower.history,
        asked=config.tower.asked,
        imputes=config.imputes,
    )


def fit_retriever(
    prepared: Prepared,
    config: UnifiedConfig,
    judged: Judged | None,
    options: RunOptions | None = None,
) -> tuple[Retriever, FitReport]:
    """Train the towers.

    Args:
        prepared: what is learned from.
        config: see its fields.
        judged: later requests that decide when to stop; None trains all epochs.
        options: where it runs.

    Returns:
        With weights of quality at zero.
    """
    seed_everything(config.fit.seed)
    towers = Towers(config.tower, prepared.items, prepared.words)
    # What is learned from ends at `until`; requests that are answered later know what came since.
    learned = reader_of(prepared, config, prepared.data.log.before(prepared.until))
    reader = reader_of(prepared, config, prepared.data.log)
    none = np.zeros(prepared.quality.shape[1], np.float32)
    batches = ExampleBatches(prepared.examples, learned, prepared.chosen, config)

    def validate(net: Towers) -> float:
        net.refresh()
        assert judged is not None
        return mean_over_tasks(Retriever(net, reader, prepared.quality, none), judged)

    report = fit(
        towers,
        loss=lambda net, batch: batch_loss(net, batch, config),
        batches=batches,
        config=config.fit,
        validate=validate if judged is not None else None,
        options=options,
    )
    towers.eval()
    towers.refresh()
    return Retriever(towers, reader, prepared.quality, none), report


def mean_over_tasks(retriever: Retriever, judged: Judged) -> float:
    """Recall@100, the mean of the surfaces' means: the towers find, the ranker puts in order."""
    rankings = rank_requests(retriever.score, judged.requests, retriever.reader.log, 100)
    found = recall_of(rankings, judged)
    tasks = judged.requests.tasks
    means: Sequence[float] = [float(found[tasks == task].mean()) for task in np.unique(tasks)]
    return float(np.mean(means))


def batch_loss(net: Towers, batch: ExampleBatch, config: UnifiedConfig) -> Tensor:
    """The loss of a batch: its targets, uniform items and hard ones are candidates for each."""
    if batch.refresh:
        net.refresh()
    asks = net.encode_requests(batch.requests, batch.hide_words)
    width = len(batch)
    uniform_end = width + len(batch.uniform)
    good, shift = batch.good[:, :uniform_end], batch.shift[:uniform_end]
    drawn = batch.uniform
    if batch.hard:
        chosen = hard_items(asks, batch, net.catalogue, skip=config.negatives.hard_skip)
        drawn = torch.cat([drawn, batch.pool[chosen]])
        good = torch.cat([good, batch.good[:, uniform_end:][:, chosen]], dim=1)
        shift = torch.cat([shift, batch.shift[uniform_end:][chosen]])
    hide = torch.cat([batch.hide_items, torch.zeros(len(drawn), dtype=torch.bool)])
    items = net.encode_items(torch.cat([batch.targets, drawn]), hide)
    scores = asks @ items.T
    if config.loss == "thresholds":
        return threshold_loss(
            scores,
            good,
            batch.strengths,
            thresholds=scores.new_tensor(config.thresholds),
            none=config.threshold_none,
        )
    if config.loss == "pairwise":
        return pairwise_loss(scores, good, temperature=config.temperature)
    return softmax_loss(scores, good, temperature=config.temperature, shift=shift * config.log_q)


def hard_items(asks: Tensor, batch: ExampleBatch, catalogue: Tensor, *, skip: int) -> Tensor:
    """Places in the pool that the present model scores high for some request, without a gradient.

    Args:
        asks: (B, D).
        batch: with a pool (S,).
        catalogue: (N + 1, D), as of the last refresh.
        skip: of each request's best so many are passed over.

    Returns:
        (batch.hard,) int64, each once.
    """
    with torch.no_grad():
        scores = asks.detach() @ catalogue[batch.pool].T  # (B, S)
        width = len(batch.targets) + len(batch.uniform)
        scores = scores.masked_fill(batch.good[:, width:], -2.0)
        count = min(skip + 1 + batch.hard // max(1, len(asks)) * 2 + 4, scores.shape[1])
        best = scores.topk(count, dim=1)
        places = best.indices[:, min(skip, count - 1) :].flatten()
        values = best.values[:, min(skip, count - 1) :].flatten()
        # Each place by its highest score; the highest first.
        highest = scores.new_full((scores.shape[1],), -3.0)
        highest.scatter_reduce_(0, places, values, reduce="amax")
        return highest.topk(min(batch.hard, len(highest))).indices


def _parts(count: int, size: int = 2048) -> list[npt.NDArray[np.int64]]:
    return [np.arange(start, min(start + size, count)) for start in range(0, count, size)]
