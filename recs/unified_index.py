"""What a request asks the index of a version of the unified model with, and for how many."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from recs.item_vectors import vectors_of
from recs.ml.unified.features import Question
from recs.ml.unified.quality import NAMES as QUALITIES
from recs.ml.unified.served import ServedUnified
from recs.models import ModelVersion, QualityWeights

Floats = npt.NDArray[np.float32]

SIMILAR = "similar"
# Of what is like an item, the nearest so many, and as many of what the same people wanted: a row.
LIKE = 12


def index_query(
    version: ModelVersion,
    model: ServedUnified,
    question: Question,
    *,
    surface: str,
    item_id: int | None,
) -> tuple[Floats, int]:
    """The vector that is compared with the items', and how many of the nearest are candidates.

    What is like an item is asked by the item's own vector, whoever looks at it: taste puts in
    order what is like it, and brings in nothing else. An item without a vector is asked by its
    title, as a stranger would.

    Returns:
        (D + F,) float32, and at least 1.
    """
    vectors, count = question.vectors, model.candidates
    if surface == SIMILAR and item_id is not None:
        own = _own(version, model, item_id)
        vectors, count = question.stranger if own is None else own[None], LIKE
    asked = replace(question, vectors=vectors)
    return replace(model, weights=weights_of(version, model)).asked_vector(asked), count


def weights_of(version: ModelVersion, model: ServedUnified) -> Floats:
    """(F,) float32: an editor's weights of quality, else the version's own."""
    row = QualityWeights.objects.filter(version_id=version.pk).first()
    if row is None:
        return model.weights
    return np.array([getattr(row, name) for name in QUALITIES], np.float32)


def _own(version: ModelVersion, model: ServedUnified, item_id: int) -> Floats | None:
    """(D,) float32: of the version, or as stored where the item is younger; None without one."""
    row = int(model.vocabulary.rows([str(item_id)])[0])
    if row:
        return np.asarray(model.facts.items.vectors[row], np.float32)
    stored = vectors_of(version, [item_id])
    return model.parted(stored[item_id])[0] if item_id in stored else None
