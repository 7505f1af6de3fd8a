"""Where a system is good: by how often words were asked, how known the items and the people were.

What counts as known is what happened before the date. Heads and tails are thirds of the requests,
or of the items that followed, so that none of them is a handful.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from recs.ml.unified.joint_files import JointData
from recs.ml.unified.judged import Judged, ndcg_of, recall_of
from recs.ml.unified.surfaces import NOBODY, SEARCH, TASKS

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

THIRDS = ("tail", "torso", "head")
NEW = "new"
# With fewer people a slice says nothing.
LEAST_PEOPLE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """How often each was there before the date: `words` and `items` by row, `people` by place."""

    words: Ints
    items: Ints
    people: Ints


def known_before(data: JointData, until: float) -> Known:
    """Count what lies before a moment (days since 1970).

    Args:
        data: a folder.
        until: exclusive.
    """
    log = data.log.before(until)
    earlier = data.searches.days < until
    size = len(data.vocabulary) + 1
    return Known(
        words=np.bincount(data.searches.words[earlier], minlength=len(data.queries) + 1),
        items=log.wanted.counts(size - 1)
        + np.bincount(data.searches.items[earlier], minlength=size),
        people=log.wanted.lengths + log.asked.lengths,
    )


def slices(rankings: Mapping[str, Ints], judged: Judged, known: Known) -> dict[str, Any]:
    """By surface and slice: how many requests and people, and by system NDCG@10 and recall@100.

    Of slices by item recall@100 alone is given, over the pairs of request and item: NDCG is of a
    whole request.

    Args:
        rankings: by system (R, K) int64, all zeros where it does not answer.
        judged: R requests and what followed.
        known: as of the moment before them.
    """
    found: dict[str, Any] = {}
    for task, label in enumerate(TASKS):
        part_rows = np.flatnonzero(judged.requests.tasks == task)
        if not len(part_rows):
            continue
        part = judged.select(part_rows)
        answers = {name: ranked[part_rows] for name, ranked in rankings.items()}
        answers = {name: ranked for name, ranked in answers.items() if ranked.any()}
        by_slice = _by_request(answers, part, known, task) | _by_item(answers, part, known)
        found[label] = {name: told for name, told in by_slice.items() if told is not None}
    return found


def thirds(times: Ints) -> dict[str, Bools]:
    """Rows that were never there before, and thirds of the others from the rarest on.

    Rows of the same number stay together, so thirds differ in size where many are alike.

    Args:
        times: (R,) int64, how often each was there.
    """
    found = {NEW: times == 0}
    there = times[times > 0]
    bounds = np.quantile(there, [1 / 3, 2 / 3], method="lower") if len(there) else (0, 0)
    found["tail"] = (times > 0) & (times <= bounds[0])
    found["torso"] = (times > bounds[0]) & (times <= bounds[1])
    found["head"] = (times > bounds[1]) & (times > 0)
    return found


def _by_request(
    answers: Mapping[str, Ints], part: Judged, known: Known, task: int
) -> dict[str, Any]:
    people = part.requests.persons
    earlier = np.where(people == NOBODY, 0, known.people[np.maximum(people, 0)])
    kept = {f"person {name}": rows for name, rows in thirds(earlier).items()}
    if task == SEARCH:
        rarity = thirds(known.words[part.requests.words])
        kept |= {f"words {name}": rows for name, rows in rarity.items()}
    return {name: _measured(answers, part, np.flatnonzero(rows)) for name, rows in kept.items()}


def _measured(answers: Mapping[str, Ints], part: Judged, rows: Ints) -> dict[str, Any] | None:
    people = len(np.unique(part.requests.persons[rows]))
    if people < LEAST_PEOPLE:
        return None
    own = part.select(rows)
    return {
        "requests": len(rows),
        "people": people,
        "systems": {
            name: {
                "NDCG@10": round(float(ndcg_of(ranked[rows], own).mean()), 5),
                "recall@100": round(float(recall_of(ranked[rows], own).mean()), 5),
            }
            for name, ranked in answers.items()
        },
    }


def _by_item(answers: Mapping[str, Ints], part: Judged, known: Known) -> dict[str, Any]:
    owners, targets = part.owners, part.targets
    found: dict[str, Any] = {}
    for name, kept in thirds(known.items[targets]).items():
        pairs = np.flatnonzero(kept)
        people = len(np.unique(part.requests.persons[owners[pairs]]))
        if people < LEAST_PEOPLE:
            continue
        found[f"item {name}"] = {
            "pairs": len(pairs),
            "people": people,
            "systems": {
                system: {"recall@100": round(_found(ranked, owners[pairs], targets[pairs]), 5)}
                for system, ranked in answers.items()
            },
        }
    return found


def _found(ranked: Ints, owners: Ints, targets: Ints) -> float:
    """Share of the pairs whose item is in the ranking of its request."""
    size = int(max(ranked.max(initial=0), targets.max(initial=0))) + 1
    listed = np.unique(np.arange(len(ranked))[:, None] * size + ranked)
    return float(np.isin(owners * size + targets, listed).mean())
