"""Weights of what speaks for items that nobody wanted yet, so that they compare with the others."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import logsumexp
from torch import Tensor

from recs.ml.evidence import Evidence, NewItemEvidence
from recs.ml.list_features import list_features
from recs.ml.metrics import ndcg_at
from recs.ml.mixture import Contests, Mixture
from recs.ml.sequence_data import Sample
from recs.ml.small_net import SmallNet

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]

# People that are asked, and numbers of theirs that exist at once (2^25 in fp32 are 128 MiB).
MOST_PEOPLE = 4_000
_NUMBERS_AT_ONCE = 2**25
LIFTS = tuple(float(lift) for lift in np.arange(0.0, 4.01, 0.1))


@dataclass(frozen=True, slots=True, kw_only=True)
class NewItemConfig:
    """How weights of new items are learned.

    `excluded`: (N + 1,) bool, items that nobody could have gone on to, being really new.
    """

    ridge: float
    excluded: Bools


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
    config: NewItemConfig,
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
        config: see its fields.
    """
    names = evidence[-1].names
    start = np.asarray(weights, np.float32).copy()
    start[-len(names) :] = 0.0
    mixture = Mixture(evidence, start, len(is_new) - 1)
    columns = np.flatnonzero(is_new[1:]) + 1
    if not len(columns) or not len(sample.targets):
        return mixture
    asked = _ask(mixture, columns, sample, config.excluded)
    start[-len(names) :] = _fitted(asked, len(names), config.ridge)
    return replace(mixture, weights=start)


def room_for_new(contest: Contests, nets: Sequence[SmallNet], feature: int, share: float) -> float:
    """How far new items may be lifted until known ones lose that share of their NDCG@10.

    What is most probable gives new items little room, for most lists hold none that is wanted;
    but nobody can want what is never shown. The share says what finding new items may cost.

    Args:
        contest: lists in which some items were taken for new.
        nets: what looks again at the lists; none where the mixture's scores stand.
        feature: place of the name "new_item" among the numbers.
        share: from 0 to below 1.

    Returns:
        What is added to each new item's score, one of `LIFTS`.
    """
    is_new = contest.numbers[..., feature] > 0
    scores = again(contest, nets)
    people = np.arange(len(contest.wanted))
    known = ~is_new[people, contest.wanted]
    if not known.any():
        return 0.0

    def gain(lift: float) -> float:
        lifted = scores[known] + np.float32(lift) * is_new[known]
        own = lifted[np.arange(len(lifted)), contest.wanted[known]]
        ranks = (lifted > own[:, None]).sum(axis=1)
        return float(ndcg_at(ranks, 10).mean())

    least = (1.0 - share) * gain(0.0)
    return max(lift for lift in LIFTS if lift == 0.0 or gain(lift) >= least)


def again(contest: Contests, nets: Sequence[SmallNet]) -> Floats:
    """(V, C) scores after the second look."""
    if not nets:
        return contest.scores
    features = list_features(contest.numbers, contest.scores, contest.lengths.astype(np.float32))
    added = np.mean([net.added(features) for net in nets], axis=0)
    return np.asarray(contest.scores + added, np.float32)


def _ask(mixture: Mixture, columns: Ints, sample: Sample, excluded: Bools) -> _Asked:
    new = mixture.evidence[-1]
    assert isinstance(new, NewItemEvidence)
    most = min(MOST_PEOPLE, max(1, _NUMBERS_AT_ONCE // (len(columns) * len(new.names))))
    people = np.arange(len(sample.targets))
    if len(people) > most:
        people = np.sort(np.random.default_rng(0).choice(people, most, replace=False))
    place = np.full(mixture.item_count + 1, -1)
    place[columns] = np.arange(len(columns))
    known, scores, numbers = [], [], []
    for part in np.array_split(people, max(1, len(people) // 128)):
        histories = sample.histories.select(part)
        tables = mixture.tables(histories)
        found = mixture.weighed(tables)
        own = found[np.arange(len(part)), sample.targets[part]]
        found[histories.owners, histories.items] = -np.inf
        found[np.arange(len(part)), sample.targets[part]] = own
        scores.append(found[:, columns])
        found[:, excluded] = -np.inf
        found[:, columns] = -np.inf
        known.append(logsumexp(found, axis=1).astype(np.float32))
        own_tables = tables[-len(new.names) :]
        numbers.append(np.stack([table[:, columns] for table in own_tables], axis=-1))
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
