"""Next-item rankings of one member of the family, leave-one-out: the targets are never read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from recs.ml.errors import NothingToLearn
from recs.ml.family import member
from recs.ml.fit_types import RunOptions
from recs.ml.histories import Histories
from recs.ml.metrics import mean_metrics
from recs.ml.scorers import Scorer, rank, target_ranks
from recs.ml.seeding import array_generator
from recs.ml.sequence_data import SequenceData, TrainOptions
from recs.ml.sequence_files import SequenceFiles

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

PROTOCOLS = ("paper", "production")
# Items of a ranking; fewer only where the catalogue has no more.
RANKED = 10
# Of what the networks may take, the rest is left for encoding texts, ranking and writing.
SHARE_OF_TIME = 0.85


class NoSuchProtocol(ValueError):
    """The member cannot be fitted under that protocol."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkOptions:
    """What is run. `protocol`: "paper" fits without the validation items, "production" with them.

    `unordered`: the order within so many consecutive events is hidden from the member, in what it
    learns from and in what it is asked about; 1 hides nothing.
    """

    model: str = "user-model"
    seed: int = 0
    minutes: float = 40.0
    protocol: str = "paper"
    unordered: int = 1
    run: RunOptions = field(default_factory=RunOptions)

    def __post_init__(self) -> None:
        """Refuse what cannot be run."""
        if self.protocol not in PROTOCOLS:
            raise NoSuchProtocol(f"The protocol is one of {', '.join(PROTOCOLS)}.")
        if not self.minutes > 0 or self.unordered < 1 or self.seed < 0:
            raise ValueError("minutes is above 0, unordered from 1, seed from 0.")
        if self.protocol == "production" and member(self.model).refit is None:
            raise NoSuchProtocol(f"{self.model} has no production protocol, only the paper's.")


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkResult:
    """`rankings`: (U, K) int64 rows; `validation`: metrics by name, of validation items."""

    rankings: Ints
    validation: dict[str, float]
    scorer: Scorer


def run_sequence_benchmark(
    files: SequenceFiles,
    encode: Callable[[Sequence[str]], Floats],
    options: BenchmarkOptions,
) -> BenchmarkResult:
    """Fit a member on all but the last two items of each person and rank what may come last.

    The last item of each history is cut off before anything else happens.

    Args:
        files: what was read.
        encode: texts to vectors.
        options: see there.

    Raises:
        NothingToLearn: where nobody has three events.
    """
    asked = files.histories.without_last()
    if not len(asked):
        raise NothingToLearn("Nobody has three events: nothing to learn from and to rank for.")
    learned = asked.without_last()
    targets = asked.last_items()
    if options.unordered > 1:
        learned = shuffled(learned, options.unordered, options.seed)
        asked = shuffled(asked, options.unordered, options.seed)
    data = SequenceData(histories=learned, targets=targets, content=files.content(encode))
    halves = 2 if options.protocol == "production" else 1
    training = TrainOptions(
        seed=options.seed,
        seconds=SHARE_OF_TIME * 60 * options.minutes / halves,
        run=options.run,
    )
    found = member(options.model)
    scorer = found.train(data, found.config, training)
    options.run.say("validating")
    sample = data.sample(training.most_validation_people, options.seed)
    validation = mean_metrics(target_ranks(scorer, sample.histories, sample.targets))
    if options.protocol == "production" and found.refit is not None:
        everything = replace(data, histories=asked, targets=np.zeros_like(targets))
        scorer = found.refit(scorer, everything, found.config, training)
    options.run.say("ranking")
    return BenchmarkResult(
        rankings=rank(scorer, asked, RANKED, seed=options.seed),
        validation=validation,
        scorer=scorer,
    )


def shuffled(histories: Histories, block: int, seed: int) -> Histories:
    """The order within each `block` consecutive events, counted from the newest, drawn anew."""
    owners = histories.owners
    age = np.repeat(histories.offsets[1:], histories.lengths) - np.arange(len(owners)) - 1
    lots = array_generator(seed, 31).random(len(owners))
    order = np.lexsort((lots, -(age // block), owners))
    return replace(
        histories,
        items=histories.items[order],
        kinds=histories.kinds[order],
        days=histories.days[order],
    )
