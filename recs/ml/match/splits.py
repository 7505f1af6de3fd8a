"""Which graded pairs teach, which choose, and which are reported on: by group, item and time.

R pairs. The groups (queries, or people) whose labels are the newest are the test, those before them
choose threshold and calibration, the oldest teach. An item that is tested on neither teaches nor
chooses, and one that chooses does not teach; where that would leave less than half to learn from,
as in a small catalog whose every item was graded often, items are shared, and the report says so.
"""

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
DoubleFloats = npt.NDArray[np.float64]

LEARN, TUNE, TEST, NOT_USED = 0, 1, 2, -1
TUNE_SHARE, TEST_SHARE = 0.25, 0.25


LEAST_LEFT = 0.5


def split(groups: Ints, items: Ints, times: DoubleFloats, *, seed: int = 0) -> tuple[Ints, bool]:
    """(R,) int64: LEARN, TUNE, TEST or NOT_USED; and whether no item is on two sides.

    Args:
        groups: (R,) of the query or person.
        items: (R,) numbers of items; copies of one item have one number.
        times: (R,) seconds, when each was graded. Groups of one moment are drawn by lot.
        seed: of the lot.
    """
    names, owners = np.unique(groups, return_inverse=True)
    latest = np.full(len(names), -np.inf)
    np.maximum.at(latest, owners, times)
    lots = np.random.default_rng(seed).permutation(len(names))
    sizes = np.bincount(owners, minlength=len(names))
    order = np.lexsort((lots, latest))
    # By pairs, so that a long list does not take a part over; half of a group's own counts.
    passed = (np.cumsum(sizes[order]) - sizes[order] / 2) / max(1, len(groups))
    part_of = np.empty(len(names), np.int64)
    part_of[order] = np.where(
        passed < 1 - TUNE_SHARE - TEST_SHARE, LEARN, np.where(passed < 1 - TEST_SHARE, TUNE, TEST)
    )
    by_group = np.asarray(part_of[owners])
    parts = by_group.copy()
    tested = np.isin(items, items[parts == TEST])
    parts[(parts != TEST) & tested] = NOT_USED
    chosen = np.isin(items, items[parts == TUNE])
    parts[(parts == LEARN) & chosen] = NOT_USED
    is_apart = all(
        int((parts == part).sum()) >= LEAST_LEFT * int((by_group == part).sum())
        for part in (LEARN, TUNE)
    )
    return (parts, True) if is_apart else (by_group, False)
