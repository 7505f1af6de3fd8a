"""Small made-up worlds in which what comes next is known."""

import numpy as np

from recs.ml.histories import Histories
from recs.ml.item_content import Attributes, ItemContent
from recs.ml.sequence_data import SequenceData

GROUPS, SIZE = 6, 5
ITEMS = GROUPS * SIZE


def group_of(item):
    return (np.asarray(item) - 1) // SIZE


def groups_in_turn(seed=0, people=200, length=7):
    """Histories that go from group to group in a ring, any item of the group; content = group.

    The next item is of the next group, so the best ranking has NDCG@10 of about 0.59 (five equal
    candidates), and popularity has about 0.16.
    """
    rng = np.random.default_rng(seed)
    lists = []
    for _ in range(people):
        first = rng.integers(GROUPS)
        groups = (first + np.arange(length)) % GROUPS
        lists.append((groups * SIZE + rng.integers(1, SIZE + 1, size=length)).tolist())
    vectors = np.zeros((ITEMS + 1, 8), np.float32)
    vectors[1:] = np.eye(GROUPS, 8)[group_of(np.arange(1, ITEMS + 1))]
    vectors[1:] += 0.05 * rng.standard_normal((ITEMS, 8))
    return SequenceData(
        histories=Histories.of_lists([walk[:-1] for walk in lists]),
        targets=np.array([walk[-1] for walk in lists], np.int64),
        content=ItemContent(
            item_count=ITEMS,
            vectors={"text": vectors.astype(np.float32)},
            attributes=Attributes.none(ITEMS),
        ),
    )
