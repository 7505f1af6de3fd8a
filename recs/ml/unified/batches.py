"""Requests and examples as tensors; the same ones for the same seed and epoch."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from scipy import sparse
from torch import Tensor

from recs.ml.seeding import array_generator
from recs.ml.unified.config import UnifiedConfig
from recs.ml.unified.impute import Imputed, impute
from recs.ml.unified.surfaces import NOBODY, Examples, Requests, SurfaceLog, newest_then, padded
from recs.ml.unified.towers import RequestBatch

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ExampleBatch:
    """B requests and what followed.

    `targets`, `strengths`: (B,) int64. `uniform`: (U,) int64 and `pool`: (S,) int64, items drawn
    for all. Columns are targets, uniform and pool: `shift`: (B + U + S,) float, log of how often
    each is to be expected among the candidates; `good`: (B, B + U + S) bool, no negatives of a row.
    `hide_words`, `hide_items`: (B,) bool, whose graph vector is hidden. `hard`: how many of the
    pool become negatives. `refresh`: whether the catalogue is encoded before the step.
    """

    requests: RequestBatch
    targets: Tensor
    strengths: Tensor
    uniform: Tensor
    pool: Tensor
    shift: Tensor
    good: Tensor
    hide_words: Tensor
    hide_items: Tensor
    hard: int
    refresh: bool

    def __len__(self) -> int:
        """B."""
        return len(self.targets)

    @property
    def terms(self) -> int:
        """B."""
        return len(self)

    def rows(self, start: int, stop: int) -> Self:
        """Some of them; the others' targets are no longer among the negatives."""
        width = len(self.targets)
        own = self.good[start:stop]
        return type(self)(
            requests=self.requests.rows(start, stop),
            targets=self.targets[start:stop],
            strengths=self.strengths[start:stop],
            uniform=self.uniform,
            pool=self.pool,
            shift=torch.cat([self.shift[start:stop], self.shift[width:]]),
            good=torch.cat([own[:, start:stop], own[:, width:]], dim=1),
            hide_words=self.hide_words[start:stop],
            hide_items=self.hide_items[start:stop],
            hard=self.hard,
            refresh=self.refresh,
        )

    def to(self, device: torch.device | str) -> Self:
        """The same on a device."""
        moved = {
            name: getattr(self, name).to(device)
            for name in self.__dataclass_fields__
            if name not in ("hard", "refresh")
        }
        return type(self)(**moved, hard=self.hard, refresh=self.refresh)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestReader:
    """From requests to what the query tower reads, in training and in serving alike."""

    log: SurfaceLog
    first_title: int
    history: int
    asked: int
    imputes: tuple[str, ...] = ()

    def read(self, requests: Requests) -> RequestBatch:
        """(R,) requests as tensors; of the log only what lies before each."""
        imputed: Imputed = impute(requests, self.log, self.first_title, surfaces=self.imputes)
        filled = imputed.requests
        wanted = newest_then(self.log.wanted, filled.persons, filled.days, self.history)
        asked = newest_then(self.log.asked, filled.persons, filled.days, self.asked)
        return RequestBatch(
            tasks=torch.from_numpy(filled.tasks.astype(np.int64)),
            words=torch.from_numpy(filled.words),
            sources=torch.from_numpy(filled.sources),
            history=torch.from_numpy(padded(wanted, self.history)),
            asked=torch.from_numpy(padded(asked, self.asked)),
            given=torch.from_numpy(imputed.given.astype(np.float32)),
        )


class ExampleBatches:
    """Batches of an epoch: of each task at most so many examples, mixed."""

    def __init__(
        self,
        examples: Examples,
        reader: RequestReader,
        chosen: sparse.csr_matrix,
        config: UnifiedConfig,
    ) -> None:
        """Prepare.

        Args:
            examples: to learn from.
            reader: of the requests.
            chosen: (M + 1, N + 1), which items were chosen for which words: no negatives there.
            config: see its fields.
        """
        self._examples, self._reader, self._config = examples, reader, config
        self._item_count = chosen.shape[1] - 1
        words, items = chosen.nonzero()
        self._good_keys = np.unique(_keys(words, items, self._item_count))
        counts = np.bincount(examples.targets, minlength=self._item_count + 1)
        self._shares = counts / max(1, counts.sum())
        wanted = reader.log.wanted
        self._wanted_keys = np.unique(_keys(wanted.owners, wanted.items, self._item_count))

    def __call__(self, epoch: int) -> "_Epoch":
        """Those of an epoch, which knows how many it has."""
        config = self._config
        random = array_generator(config.fit.seed, 40, epoch)
        rows = self._drawn(random)
        parts = [
            rows[start : start + config.fit.batch_size]
            for start in range(0, len(rows), config.fit.batch_size)
        ]
        return _Epoch(self, epoch, parts)

    def make(self, rows: Ints, epoch: int, step: int) -> ExampleBatch:
        """One batch."""
        config = self._config
        random = array_generator(config.fit.seed, 41, epoch, step)
        examples = self._examples.select(rows)
        requests = examples.requests
        out = random.random(len(rows)) < config.sign_out
        persons = np.where(out, NOBODY, requests.persons)
        batch = self._reader.read(
            Requests(
                tasks=requests.tasks,
                words=requests.words,
                sources=requests.sources,
                persons=persons,
                days=requests.days,
            )
        )
        share = config.negatives.share(epoch, config.fit.epochs)
        hard = round(config.negatives.items * share)
        uniform = random.integers(1, self._item_count + 1, config.negatives.items - hard)
        pool_size = config.negatives.hard_pool if hard else 0
        pool = random.integers(1, self._item_count + 1, pool_size)
        columns = np.concatenate([examples.targets, uniform, pool])
        return ExampleBatch(
            requests=batch,
            targets=torch.from_numpy(examples.targets),
            strengths=torch.from_numpy(examples.strengths.astype(np.int64)),
            uniform=torch.from_numpy(uniform),
            pool=torch.from_numpy(pool),
            shift=torch.from_numpy(self._shift(columns, len(rows))),
            good=torch.from_numpy(self._good(requests, examples.targets, columns)),
            hide_words=torch.from_numpy(random.random(len(rows)) < config.hide_graph),
            hide_items=torch.from_numpy(random.random(len(rows)) < config.hide_graph),
            hard=hard,
            refresh=step % config.refresh_steps == 0,
        )

    def _drawn(self, random: np.random.Generator) -> Ints:
        kept = []
        for task in np.unique(self._examples.requests.tasks):
            rows = np.flatnonzero(self._examples.requests.tasks == task)
            if len(rows) > self._config.most_examples:
                rows = random.choice(rows, self._config.most_examples, replace=False)
            kept.append(rows)
        return random.permutation(np.concatenate(kept)) if kept else np.zeros(0, np.int64)

    def _shift(self, columns: Ints, batch_size: int) -> npt.NDArray[np.float32]:
        """Log of how often an item is to be expected among the targets and the drawn items."""
        expected = batch_size * self._shares[columns]
        expected += self._config.negatives.items / self._item_count
        return np.asarray(np.log(expected), np.float32)

    def _good(self, requests: Requests, targets: Ints, columns: Ints) -> Bools:
        """(B, len(columns)): the target, chosen for the same words, wanted by the same person."""
        good = columns[None, :] == targets[:, None]
        for owners, keys in (
            (requests.words, self._good_keys),
            (requests.persons, self._wanted_keys),
        ):
            asked = np.where(owners < 0, 0, owners)[:, None] * (self._item_count + 1) + columns
            places = np.minimum(np.searchsorted(keys, asked), max(len(keys) - 1, 0))
            found = keys[places] == asked if len(keys) else np.zeros(asked.shape, np.bool_)
            none = owners < 0 if owners is requests.persons else owners == 0
            good |= found & ~none[:, None]
        return np.asarray(good)


@dataclass(frozen=True, slots=True)
class _Epoch:
    """The batches of one epoch; sized, so that the time left can be told."""

    of: ExampleBatches
    epoch: int
    parts: list[Ints]

    def __len__(self) -> int:
        """Batches."""
        return len(self.parts)

    def __iter__(self) -> Iterator[ExampleBatch]:
        """One after the other."""
        return (self.of.make(rows, self.epoch, step) for step, rows in enumerate(self.parts))


def _keys(owners: Ints, items: Ints, item_count: int) -> Ints:
    return np.asarray(owners, np.int64) * (item_count + 1) + np.asarray(items, np.int64)
