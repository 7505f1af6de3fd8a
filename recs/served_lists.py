"""What a version would have answered in past moments, by the code that answers requests."""

import numpy as np
import numpy.typing as npt

from catalog.progress import NO_PROGRESS, Progress
from recs.ml.held_out import HeldOut
from recs.ml.histories import Histories
from recs.ml.metrics import ndcg_at
from recs.ml.vocabulary import Vocabulary
from recs.models import ModelVersion
from recs.recommenders.base import Ask
from recs.recommenders.user_model import Picker
from recs.user_models import item_rows, load_model

Ints = npt.NDArray[np.int64]

CUT = 10
TELL_EVERY = 20


def served_ndcg(
    version: ModelVersion,
    held_out: HeldOut,
    vocabulary: Vocabulary,
    *,
    progress: Progress = NO_PROGRESS,
) -> npt.NDArray[np.float64]:
    """(C,) float64, NDCG@10 of the list that the version serves for each case.

    The index, the neighbours and the second look are those of a request. A history of items that
    the version does not know gets no list from it, which counts as missed.

    Args:
        version: with its vectors; live or not.
        held_out: C cases.
        vocabulary: that of the cases; need not be the version's.
        progress: told of the cases.

    Raises:
        UnusableVersion: where the version cannot be loaded.
    """
    keys = np.array([0, *map(int, vocabulary.item_ids)], np.int64)
    model = load_model(version)
    known = _known(held_out.histories, np.concatenate([[0], item_rows(model, keys[1:].tolist())]))
    ranks = np.full(len(held_out), CUT, np.int64)
    for case, target in enumerate(keys[held_out.targets].tolist()):
        if known.lengths[case]:
            picker = Picker(version=version, model=model, history=known.select([case]))
            seen = frozenset(keys[held_out.histories.items_of(case)].tolist())
            ids = picker.ranked(Ask(k=CUT, excluded=seen - {target}))[0][:CUT]
            ranks[case] = ids.index(target) if target in ids else CUT
        if (case + 1) % TELL_EVERY == 0 or case + 1 == len(held_out):
            progress.advance(case % TELL_EVERY + 1)
    return ndcg_at(ranks, CUT)


def _known(histories: Histories, rows: Ints) -> Histories:
    """In rows of another vocabulary; what it lacks is left out."""
    translated = rows[histories.items]
    kept = histories.only(translated > 0)
    return Histories(
        people=kept.people,
        offsets=kept.offsets,
        items=translated[translated > 0],
        kinds=kept.kinds,
        days=kept.days,
    )
