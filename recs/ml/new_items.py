"""Weights of what speaks for items that nobody wanted yet, so that they compare with the others."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import logsumexp
from torch import Tensor

from recs.ml.evidence import Evidence, NewItemEvidence
from recs.ml.mixture import Mixture, MixtureConfig
from recs.ml.sequence_data import Sample

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]

# People that are asked, and numbers of theirs that exist at once (2^25 in fp32 are 128 MiB).
MOST_PEOPLE = 4_000
_NUMBERS_AT_ONCE = 2**25


@dataclass(frozen=True, slots=True)
class _Asked:
    """V people. `known`: (V,) log of the summed exponentials of all other items' scores.

    `scores`: (V, M) of the M new items without weights of their own. `numbers`: (V, M, F).
    `wanted`: (V,) int64, the place of the new item that was wanted, -1 where it was another.
    """

    known: Tensor
    scores: Tensor
    numbers: Tensor
    wanted: Tensor


def fit_new_items(
    weights: Floats,
    evidence: Sequence[Evidence],
    is_new: Bools,
    sample: Sample,
    config: MixtureConfig,
) -> Mixture:
    """The mixture with weights for new items, learned where some items are taken for new.

    The loss is the cross entropy over the whole catalogue, not over a shortlist: into a shortlist
    new items would get only with the weights that are yet to be learned.

    Args:
        weights: of all names; those of new items are where the search starts.
        evidence: as it would be had nobody wanted the new items; the last one is
            `NewItemEvidence` of `is_new`.
        is_new: (N + 1,) bool.
        sample: people without the new items in their histories, and what they went on to.
        config: its ridge is used.
    """
    names = evidence[-1].names
    start = np.asarray(weights, np.float32).copy()
    start[-len(names) :] = 0.0
    mixture = Mixture(evidence, start, len(is_new) - 1)
    columns = np.flatnonzero(is_new[1:]) + 1
    if not len(columns) or not len(sample.targets):
        return mixture
    asked = _ask(mixture, columns, sample, len(names))
    start[-len(names) :] = _fitted(asked, len(names), config.ridge)
    return replace(mixture, weights=start)


def _ask(mixture: Mixture, columns: Ints, sample: Sample, names: int) -> _Asked:
    new = mixture.evidence[-1]
    assert isinstance(new, NewItemEvidence)
    most = min(MOST_PEOPLE, max(1, _NUMBERS_AT_ONCE // (len(columns) * names)))
    people = np.arange(len(sample.targets))
    if len(people) > most:
        people = np.sort(np.random.default_rng(0).choice(people, most, replace=False))
    place = np.full(mixture.item_count + 1, -1)
    place[columns] = np.arange(len(columns))
    known, scores, numbers = [], [], []
    for part in np.array_split(people, max(1, len(people) // 128)):
        histories = sample.histories.select(part)
        found = mixture.score(histories, np.arange(len(part)))
        own = found[np.arange(len(part)), sample.targets[part]]
        found[histories.owners, histories.items] = -np.inf
        found[np.arange(len(part)), sample.targets[part]] = own
        scores.append(found[:, columns])
        found[:, columns] = -np.inf
        known.append(logsumexp(found, axis=1).astype(np.float32))
        numbers.append(np.stack([t[:, columns] for t in new.tables(histories)], axis=-1))
    return _Asked(
        torch.from_numpy(np.concatenate(known)),
        torch.from_numpy(np.concatenate(scores)),
        torch.from_numpy(np.concatenate(numbers).astype(np.float32)),
        torch.from_numpy(place[sample.targets[people]]),
    )


def _fitted(asked: _Asked, names: int, ridge: float) -> Floats:
    """Weights (F,) by L-BFGS; the loss is convex in them."""
    weights = torch.zeros(names, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights], max_iter=100, line_search_fn="strong_wolfe")
    rows = torch.arange(len(asked.wanted))
    is_wanted = asked.wanted >= 0

    def closure() -> Tensor:
        optimizer.zero_grad()
        scores = asked.scores + asked.numbers @ weights  # (V, M)
        everything = torch.logaddexp(asked.known, torch.logsumexp(scores, dim=1))
        own = scores[rows[is_wanted], asked.wanted[is_wanted]].sum() / len(rows)
        loss: Tensor = everything.mean() - own + ridge * weights.square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return np.asarray(weights.detach().numpy())
