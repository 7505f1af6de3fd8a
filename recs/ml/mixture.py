"""Several kinds of evidence as one score, their weights learned on validation.

Source: log-linear mixture of experts; Hinton, Training Products of Experts by Minimizing
Contrastive Divergence, 2002, section 2, with weights fitted by cross entropy.
Differs from the paper: the experts are fixed, only their weights are learned, over the candidates
that the mixture itself puts first.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from recs.ml.evidence import Evidence
from recs.ml.histories import Histories
from recs.ml.sequence_data import Sample

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

# Numbers that exist at once: 2^24 in fp32 are 64 MiB.
_NUMBERS_AT_ONCE = 2**24


@dataclass(frozen=True, slots=True, kw_only=True)
class MixtureConfig:
    """How weights are learned."""

    # Candidates of each person that compete in the fit; who goes on to another is left out.
    candidates: int = 150
    # The fit chooses the candidates of the next one.
    rounds: int = 2
    # Pull of the weights toward the start, per person.
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
    most_people: int = 10_000


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
        size = max(1, _NUMBERS_AT_ONCE // ((self.item_count + 1) * 4))
        for start in range(0, len(persons), size):
            part = histories.select(persons[start : start + size])
            for weight, table in zip(self.weights, self._tables(part), strict=True):
                if weight:
                    total[start : start + size] += weight * table
        total[:, 0] = -np.inf
        return total

    def tables(self, histories: Histories) -> Floats:
        """(B, N + 1, names) float32, every number of every item."""
        return np.stack(self._tables(histories), axis=-1)

    def _tables(self, histories: Histories) -> list[Floats]:
        return [table for part in self.evidence for table in part.tables(histories)]


def fit_mixture(
    evidence: Sequence[Evidence],
    sample: Sample,
    item_count: int,
    config: MixtureConfig | None = None,
) -> Mixture:
    """The mixture whose weights make what the people went on to most probable.

    Args:
        evidence: kinds of it, fitted without the targets.
        sample: people, what they did, and what they went on to.
        item_count: N.
        config: see its fields.

    Returns:
        With nobody to learn from, the weights of the start.
    """
    config = config or MixtureConfig()
    names = [name for part in evidence for name in part.names]
    start = np.array([config.start.get(name, 0.0) for name in names], np.float32)
    mixture = Mixture(evidence, start, item_count)
    for _ in range(config.rounds):
        numbers, wanted = _competitions(mixture, sample, config.candidates)
        if not len(wanted):
            break
        weights = _fitted(numbers, wanted, torch.from_numpy(start), config.ridge)
        mixture = Mixture(evidence, weights, item_count)
    return mixture


def _competitions(
    mixture: Mixture, sample: Sample, candidates: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """(V, C, names) numbers of the best C unseen items of people, and (V,) which was wanted."""
    numbers, wanted = [], []
    width = min(candidates, mixture.item_count)
    size = max(1, _NUMBERS_AT_ONCE // ((mixture.item_count + 1) * len(mixture.names)))
    for start in range(0, len(sample.targets), size):
        persons = np.arange(start, min(start + size, len(sample.targets)))
        part, targets = sample.histories.select(persons), sample.targets[persons]
        tables = mixture.tables(part)  # (B, N + 1, names)
        scores = tables @ mixture.weights
        scores[:, 0] = -np.inf
        own = scores[np.arange(len(persons)), targets]
        scores[part.owners, part.items] = -np.inf
        scores[np.arange(len(persons)), targets] = own
        best = np.argpartition(-scores, width - 1, axis=1)[:, :width]
        is_wanted = best == targets[:, None]
        kept = is_wanted.any(axis=1)
        numbers.append(np.take_along_axis(tables, best[..., None], axis=1)[kept])
        wanted.append(is_wanted[kept].argmax(axis=1))
    if not numbers:
        return torch.zeros(0, 0, 0), torch.zeros(0, dtype=torch.int64)
    return torch.from_numpy(np.concatenate(numbers)), torch.from_numpy(np.concatenate(wanted))


def _fitted(
    numbers: torch.Tensor, wanted: torch.Tensor, start: torch.Tensor, ridge: float
) -> Floats:
    """Weights (names,) by L-BFGS on the cross entropy, which is convex in them."""
    weights = start.clone().requires_grad_()
    optimizer = torch.optim.LBFGS([weights], max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        pull = ridge * (weights - start).square().sum()
        loss = F.cross_entropy(numbers @ weights, wanted) + pull
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return np.asarray(weights.detach().numpy(), np.float32)
