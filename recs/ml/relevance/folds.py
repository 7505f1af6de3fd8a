"""Who may be scored by what was learned from whom: no query by a model that saw it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recs.ml.relevance.pairs import Pairs
from recs.ml.seeding import array_generator

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class United:
    """The pairs of two files, those in both once.

    `pairs`: U of them. `taught`: (T,) int64, places of the pairs to learn from. `asked`: (P,)
    int64, the place of each pair to score. Grades are of the first file alone.
    """

    pairs: Pairs
    taught: Ints
    asked: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """Learn from the places `taught`, score the places `asked` of a union."""

    taught: Ints
    asked: Ints


def unite(train: Pairs | None, judgments: Pairs) -> United:
    """Both files as one list of pairs; the grades of `judgments` are left out."""
    hidden = judgments.without_grades()
    if train is None:
        everything = np.arange(len(hidden), dtype=np.int64)
        return United(pairs=hidden, taught=everything[:0], asked=everything)
    place = {key: row for row, key in enumerate(_keys(train))}
    keys = list(_keys(hidden))
    new = np.array([row for row, key in enumerate(keys) if key not in place], np.int64)
    for number, row in enumerate(new.tolist()):
        place[keys[row]] = len(train) + number
    return United(
        pairs=train.joined(hidden.select(new)),
        taught=np.arange(len(train), dtype=np.int64),
        asked=np.array([place[key] for key in keys], np.int64),
    )


def _keys(pairs: Pairs) -> Iterable[tuple[str, str, str, int]]:
    """What makes a pair the same in both files: its texts, and the how manieth it is."""
    seen: Counter[tuple[str, str, str]] = Counter()
    for texts in zip(pairs.queries, pairs.titles, pairs.descriptions, strict=True):
        yield (*texts, seen[texts])
        seen[texts] += 1


def folds_of(union: United, folds: int, seed: int) -> list[Fold]:
    """One where the files share no query, else one for each of the folds.

    A query that was learned from is scored in its own fold; one that nobody learned from is
    scored in all, whose mean is taken.

    Raises:
        ValueError: where there are fewer than two queries to learn from, and those are shared.
    """
    queries = np.array(union.pairs.queries, dtype=object)
    known = sorted(set(queries[union.taught]))
    shared = set(known) & set(queries[union.asked])
    asked = np.unique(union.asked)
    if not shared:
        return [Fold(taught=union.taught, asked=asked)]
    count = min(folds, len(known))
    if count < 2:
        raise ValueError("To score a query that is learned from, there have to be two or more.")
    lots = array_generator(seed, 71).permutation(len(known)) % count
    number = dict(zip(known, lots.tolist(), strict=True))
    fold = np.array([number.get(query, -1) for query in queries], np.int64)
    return [
        Fold(
            taught=union.taught[fold[union.taught] != place],
            asked=asked[(fold[asked] == place) | (fold[asked] == -1)],
        )
        for place in range(count)
    ]
