"""Chooses the numbers of item-kNN on validation, in the same order each time, within a budget."""

import time
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from recs.ml.histories import Histories
from recs.ml.item_knn import ItemKnn, ItemKnnConfig, Pairs, count_pairs, knn_of_pairs
from recs.ml.metrics import ndcg_at

Ints = npt.NDArray[np.int64]
DoubleFloats = npt.NDArray[np.float64]

# Tried one field at a time, around and around. What matters most comes first, so that a budget
# that runs out costs little; `window` can only narrow the one that was counted.
SEARCH: Final[dict[str, tuple[Any, ...]]] = {
    "target_power": (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.65),
    "backward": (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0),
    "history": (1, 2, 3, 4, 5, 8, 12, 20, 50),
    "recency_power": (0.0, 0.25, 0.4, 0.6, 0.8, 1.0, 1.5, 2.0),
    "person_power": (0.0, 0.15, 0.3, 0.5, 0.75, 1.0),
    "source_power": (0.0, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 1.0),
    "gap_power": (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0),
    "shrinkage": (0.0, 0.3, 1.0, 2.0, 5.0, 10.0),
    "sharpness": (0.5, 0.65, 0.8, 1.0, 1.25),
    "window": (1, 2, 3, 5, 10, 20, 50),
}
# Fields on which the similarities do not depend.
ASKING: Final = ("history", "recency_power")
MISSED: Final = np.iinfo(np.int64).max
CUT: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningOptions:
    """How long the search may take and what counts as better."""

    seconds: float = 180.0
    # A change is taken only where it gains this share of NDCG@10: less is chance.
    least_gain: float = 0.002
    rounds: int = 3
    # Of more people than that, so many are drawn to validate on.
    most_people: int = 30_000
    seed: int = 0
    start: ItemKnnConfig = field(default_factory=ItemKnnConfig)


@dataclass(frozen=True, slots=True, kw_only=True)
class TunedItemKnn:
    """What the search chose; `finished` is false where seconds or rounds ran out on the way."""

    knn: ItemKnn
    ndcg: float
    trials: int
    finished: bool


def tune_item_knn(
    histories: Histories, targets: Ints, item_count: int, options: TuningOptions | None = None
) -> TunedItemKnn:
    """Item-kNN fitted on `histories` with the numbers that rank the targets best.

    Searches one field at a time, keeping what gains, until a round changes nothing. The result
    depends on the clock only where `finished` is false.

    Args:
        histories: what is fitted, and what each person is known to have done before the target.
        targets: (U,) int64, the item that each went on to, 0 where there is none.
        item_count: N.
        options: see its fields.

    Returns:
        The one chosen; with nobody to validate on, the start's.
    """
    options = options or TuningOptions()
    trials = Trials.of(histories, targets, item_count, options)
    best, finished = _search(trials, options) if len(trials.known) else (options.start, True)
    return TunedItemKnn(
        knn=knn_of_pairs(trials.pairs, best),
        ndcg=trials.ndcg(best),
        trials=len(trials.seen),
        finished=finished,
    )


def sparse_target_ranks(scores: sparse.csr_matrix, known: Histories, targets: Ints) -> Ints:
    """(U,) int64 ranks from 0 of the targets among all items but those of the histories.

    A target without a score is MISSED; ties count against the target.

    Args:
        scores: (U, N + 1) sparse, above 0 where an item has a score.
        known: U histories whose items are left out, unless they are the target.
        targets: (U,) int64.
    """
    people = np.arange(len(known))
    own = np.asarray(scores[people, targets], np.float64).reshape(-1)
    own[own <= 0] = np.inf
    rivals = _at_least(scores, own)
    marks = sparse.csr_matrix(
        (np.ones(len(known.items), np.float32), (known.owners, known.items)), scores.shape
    )
    marks.data[:] = 1.0
    rivals -= _at_least(scores.multiply(marks).tocsr(), own)
    # The target is not its own rival; where it stands in its own history both counts held it.
    repeated = np.asarray(marks[people, targets]).reshape(-1) > 0
    return np.asarray(np.where(np.isinf(own), MISSED, rivals - 1 + repeated))


class Trials:
    """NDCG@10 of configs on the same people; what was tried is not tried again."""

    @classmethod
    def of(
        cls, histories: Histories, targets: Ints, item_count: int, options: TuningOptions
    ) -> "Trials":
        """On people drawn as the options say; arguments as of `tune_item_knn`."""
        people = _validation_people(histories, targets, options)
        pairs = count_pairs(histories, item_count, options.start)
        return cls(pairs, histories.select(people), targets[people], options)

    def __init__(
        self, pairs: Pairs, known: Histories, targets: Ints, options: TuningOptions
    ) -> None:
        """Start the clock; `known` and `targets` are of the people to validate on."""
        self.pairs, self.known, self.targets = pairs, known, targets
        self.deadline = time.monotonic() + options.seconds
        self.seen: dict[ItemKnnConfig, float] = {}
        self._fitted: tuple[ItemKnnConfig, ItemKnn] | None = None

    def late(self) -> bool:
        """Whether the seconds are over."""
        return time.monotonic() > self.deadline

    def ndcg(self, config: ItemKnnConfig) -> float:
        """Mean NDCG@10; 0 for nobody. A window wider than the start's counts as the start's."""
        if config not in self.seen:
            self.seen[config] = self._measure(config)
        return self.seen[config]

    def _measure(self, config: ItemKnnConfig) -> float:
        if not len(self.known):
            return 0.0
        knn = self._knn(config)
        gains = 0.0
        for start in range(0, len(self.known), 4096):
            persons = np.arange(start, min(start + 4096, len(self.known)))
            scores = knn.sparse_scores(self.known, persons)
            ranks = sparse_target_ranks(scores, self.known.select(persons), self.targets[persons])
            gains += float(ndcg_at(ranks, CUT).sum())
        return gains / len(self.known)

    def _knn(self, config: ItemKnnConfig) -> ItemKnn:
        """Fitted anew only where the similarities differ from the last ones."""
        start = ItemKnnConfig()
        key = replace(config, **{name: getattr(start, name) for name in ASKING})
        if self._fitted is None or self._fitted[0] != key:
            self._fitted = key, knn_of_pairs(self.pairs, config)
        return replace(self._fitted[1], config=config)


def _search(trials: Trials, options: TuningOptions) -> tuple[ItemKnnConfig, bool]:
    """The config found, and whether a whole round left it as it was."""
    best = options.start
    for _ in range(options.rounds):
        before = best
        for name, values in SEARCH.items():
            for value in values:
                if trials.late():
                    return best, False
                trials.ndcg(replace(best, **{name: value}))
            best = _better(trials, best, name, options)
        if best == before:
            return best, True
    return best, False


def _better(
    trials: Trials, best: ItemKnnConfig, name: str, options: TuningOptions
) -> ItemKnnConfig:
    """`best` with the value of that field which gained most, where it gained enough."""
    found = max((replace(best, **{name: value}) for value in SEARCH[name]), key=trials.ndcg)
    enough = trials.ndcg(found) > trials.ndcg(best) * (1 + options.least_gain)
    return found if enough else best


def _validation_people(histories: Histories, targets: Ints, options: TuningOptions) -> Ints:
    """Rows of those who have a history and a target, at most `most_people`, in order."""
    people = np.flatnonzero((targets > 0) & (histories.lengths > 0))
    if len(people) > options.most_people:
        draw = np.random.default_rng(options.seed)
        people = np.sort(draw.choice(people, options.most_people, replace=False))
    return people.astype(np.int64)


def _at_least(scores: sparse.csr_matrix, bar: DoubleFloats) -> Ints:
    """(U,) int64, how many scores of each row reach the row's bar."""
    rows = np.repeat(np.arange(scores.shape[0]), np.diff(scores.indptr))
    return np.bincount(rows[scores.data >= bar[rows]], minlength=scores.shape[0])
