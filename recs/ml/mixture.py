"""Several kinds of evidence as one score, their weights learned on validation.

Source: log-linear mixture of experts; Hinton, Training Products of Experts by Minimizing
Contrastive Divergence, 2002, section 2, with weights fitted by cross entropy.
Differs from the paper: the experts are fixed, only their weights are learned, over the candidates
that the mixture itself puts first.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from recs.ml.evidence import Evidence, all_tables
from recs.ml.histories import Histories
from recs.ml.sequence_data import Sample

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]

# Numbers that exist at once: 2^24 in fp32 are 64 MiB.
_NUMBERS_AT_ONCE = 2**24


@dataclass(frozen=True, slots=True, kw_only=True)
class MixtureConfig:
    """How weights are learned."""

    # Candidates of each person that compete in the fit; who goes on to another is left out.
    candidates: int = 150
    # The fit chooses the candidates of the next one.
    rounds: int = 2
    # Pull of the weights toward the start.
    ridge: float = 1e-3
    # Weights before the first fit, by name; 0 for others.
    start: dict[str, float] = field(
        default_factory=lambda: {
            "user_model": 0.5,
            "neighbours": 0.25,
            "text_mean": 1.5,
            "attributes": 0.4,
        }
    )
    # Names whose weights stay as they start.
    fixed: tuple[str, ...] = ()
    most_people: int = 6_000


@dataclass(frozen=True, slots=True)
class Shortlist:
    """The best C candidates of B people: rows (B, C), scores (B, C), numbers (B, C, names)."""

    rows: Ints
    scores: Floats
    numbers: Floats


@dataclass(frozen=True, slots=True)
class Mixture:
    """A Scorer: the weighted sum of evidence. `weights`: one for each name of the evidence."""

    evidence: Sequence[Evidence]
    weights: Floats
    item_count: int

    @property
    def names(self) -> tuple[str, ...]:
        """Of the weights."""
        return tuple(name for part in self.evidence for name in part.names)

    def score(self, histories: Histories, persons: Ints) -> Floats:
        """(B, N + 1) float32; see `Scorer`."""
        total = np.zeros((len(persons), self.item_count + 1), np.float32)
        for places in self._chunks(len(persons)):
            total[places] = self.weighed(self.tables(histories.select(persons[places])))
        return total

    def shortlists(
        self,
        histories: Histories,
        candidates: int,
        targets: Ints | None = None,
        excluded: Bools | None = None,
    ) -> Iterator[tuple[Ints, Shortlist, Floats]]:
        """The best unseen items of people, some people at a time.

        Args:
            histories: U of them.
            candidates: C; fewer where the catalogue has fewer.
            targets: (U,) int64, items that may stand in the list though they were seen.
            excluded: (N + 1,) bool, items that may not.

        Yields:
            Positions of the people, their lists, in no order, and (B, N + 1) all scores. Where
            somebody has fewer unseen items than C, others fill the list up, with a score of minus
            infinity.
        """
        width = min(candidates, self.item_count)
        for persons in self._chunks(len(histories)):
            part = histories.select(persons)
            tables = self.tables(part)
            everything = self.weighed(tables)
            scores = everything.copy()
            places = np.arange(len(persons))
            own = None if targets is None else scores[places, targets[persons]]
            scores[part.owners, part.items] = -np.inf
            if own is not None and targets is not None:
                scores[places, targets[persons]] = own
            if excluded is not None:
                scores[:, excluded] = -np.inf
            best = np.argpartition(-scores, width - 1, axis=1)[:, :width]
            numbers = [np.take_along_axis(table, best, axis=1) for table in tables]
            kept = np.take_along_axis(scores, best, axis=1)
            found = Shortlist(best.astype(np.int64), kept, np.stack(numbers, axis=-1))
            yield persons, found, everything

    def tables(self, histories: Histories) -> list[Floats]:
        """(B, N + 1) float32 for each name."""
        return all_tables(self.evidence, histories)

    def weighed(self, tables: Sequence[Floats]) -> Floats:
        """(B, N + 1) float32, their sum under the weights; minus infinity for row 0."""
        total = np.zeros(tables[0].shape, np.float32)
        product = np.empty_like(total)
        for weight, table in zip(self.weights, tables, strict=True):
            if weight:
                total += np.multiply(table, weight, out=product)
        total[:, 0] = -np.inf
        return total

    def _chunks(self, people: int) -> Iterator[Ints]:
        size = max(1, _NUMBERS_AT_ONCE // ((self.item_count + 1) * len(self.names)))
        return (np.arange(start, min(start + size, people)) for start in range(0, people, size))


def fit_mixture(
    evidence: Sequence[Evidence],
    sample: Sample,
    item_count: int,
    config: MixtureConfig | None = None,
    excluded: Bools | None = None,
) -> Mixture:
    """The mixture whose weights make what the people went on to most probable.

    Args:
        evidence: kinds of it, fitted without the targets.
        sample: people, what they did, and what they went on to.
        item_count: N.
        config: see its fields.
        excluded: (N + 1,) bool, items that nobody could have gone on to.

    Returns:
        With nobody to learn from, the weights of the start.
    """
    config = config or MixtureConfig()
    names = [name for part in evidence for name in part.names]
    start = np.array([config.start.get(name, 0.0) for name in names], np.float32)
    is_free = np.array([name not in config.fixed for name in names])
    mixture = Mixture(evidence, start, item_count)
    for _ in range(config.rounds):
        contest = contests(mixture, sample, config.candidates, excluded)
        if not len(contest.wanted):
            break
        weights = _fitted(contest, start, is_free, config.ridge)
        mixture = Mixture(evidence, weights, item_count)
    return mixture


@dataclass(frozen=True, slots=True)
class Contests:
    """V people whose wanted item is among the best C: scores (V, C), numbers (V, C, names).

    `wanted`: (V,) int64, its place. `lengths`: (V,) int64, events of each history.
    """

    scores: Floats
    numbers: Floats
    wanted: Ints
    lengths: Ints

    def __add__(self, other: "Contests") -> "Contests":
        """Those of both."""
        return Contests(
            np.concatenate([self.scores, other.scores]),
            np.concatenate([self.numbers, other.numbers]),
            np.concatenate([self.wanted, other.wanted]),
            np.concatenate([self.lengths, other.lengths]),
        )


def contests(
    mixture: Mixture, sample: Sample, candidates: int, excluded: Bools | None = None
) -> Contests:
    """What the people's wanted items compete with under this mixture, `excluded` (N + 1,) apart."""
    width = min(candidates, mixture.item_count)
    nobody = np.zeros(0, np.int64)
    empty = np.zeros((0, width), np.float32), np.zeros((0, width, len(mixture.names)), np.float32)
    parts = [Contests(*empty, nobody, nobody)]
    for persons, lists, _ in mixture.shortlists(
        sample.histories, candidates, sample.targets, excluded
    ):
        is_wanted = lists.rows == sample.targets[persons][:, None]
        kept = (is_wanted & ~np.isneginf(lists.scores)).any(axis=1)
        wanted, lengths = is_wanted[kept].argmax(axis=1), sample.histories.lengths[persons[kept]]
        parts.append(Contests(lists.scores[kept], lists.numbers[kept], wanted, lengths))
    columns = zip(*((p.scores, p.numbers, p.wanted, p.lengths) for p in parts), strict=True)
    return Contests(*(np.concatenate(column) for column in columns))


def _fitted(contest: Contests, start: Floats, is_free: Bools, ridge: float) -> Floats:
    """Weights (names,) by L-BFGS on the cross entropy, which is convex in them."""
    free = torch.from_numpy(np.flatnonzero(is_free))
    is_seen = np.isneginf(contest.scores)
    base = torch.from_numpy(np.where(is_seen, -np.inf, contest.numbers @ start))  # (V, C)
    numbers = torch.from_numpy(contest.numbers)[..., free]
    wanted = torch.from_numpy(contest.wanted)
    change = torch.zeros(len(free), requires_grad=True)
    optimizer = torch.optim.LBFGS([change], max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        pull = ridge * change.square().sum()
        loss = F.cross_entropy(base + numbers @ change, wanted) + pull
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return np.asarray(torch.from_numpy(start).index_add(0, free, change.detach()).numpy())
