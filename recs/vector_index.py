"""The items that a version of the user model puts first for a vector: by its index, or exactly."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from catalog.filters import ItemFilters
from catalog.progress import NO_PROGRESS, Progress
from recs import hnsw
from recs.item_vectors import write_item_vectors
from recs.ml.histories import Histories
from recs.models import ItemVector, ModelVersion
from recs.querysets import visible_item
from recs.user_models import load_model

Floats = npt.NDArray[np.float32]

# Items that are looked at for an answer of the home page.
DEPTH = 200

SPACE = hnsw.Space(
    table=ItemVector,
    versions=ModelVersion,
    compared=hnsw.INNER_PRODUCT,
    prefix="item_vector_hnsw",
    # item_vectors.levelled()
    more=1,
)


def prepare(
    version: ModelVersion, histories: Histories, *, progress: Progress = NO_PROGRESS
) -> ModelVersion:
    """Write the version's vectors and build its index beside the live one; the row, read anew.

    Nothing of what is live changes: promotion then flips one row.

    Args:
        version: with its artifact.
        histories: of real people, rows of the version's vocabulary: the index is measured with
            vectors of some of them, since a person's vector is what it will be asked for.
        progress: told of the items.

    Raises:
        UnusableVersion: where the version cannot be loaded.
    """
    filled = np.flatnonzero(histories.lengths > 0)
    spread = filled[np.linspace(0, len(filled) - 1, hnsw.RECALL_QUERIES).astype(int)]
    some = histories.select(np.unique(spread)) if len(filled) else histories.select([])
    return prepare_for(version, load_model(version).users(some), progress=progress)


def prepare_for(
    version: ModelVersion, asked: Floats, *, progress: Progress = NO_PROGRESS
) -> ModelVersion:
    """The same for a model of any kind: `asked`, (U, D) float32, is what its index is asked with.

    Raises:
        UnusableVersion: where the version cannot be loaded.
    """
    write_item_vectors(version, progress=progress)
    build_index(version=version, users=asked)
    version.refresh_from_db()
    return version


def build_index(*, version: ModelVersion, users: Floats | None = None) -> None:
    """Build the version's index, or build it anew beside the old one, and measure its recall.

    Args:
        version: with its vectors.
        users: (U, D) float32, vectors of people to measure with; None measures with items.
    """
    queries = None if users is None or not len(users) else [_asked(user) for user in users]
    hnsw.build_index(SPACE, version, queries=queries, depth=DEPTH)


def recall(version: ModelVersion, asked: Floats, *, k: int) -> float | None:
    """Share of the exact best k that the index finds when it is asked for k; None without vectors.

    Args:
        version: with its vectors and its index.
        asked: (U, D) float32, what requests would ask with.
        k: how many count.
    """
    return hnsw.measure_recall(
        SPACE, version, queries=[_asked(one) for one in asked], depth=k, best=k
    )


def has_index(version: ModelVersion) -> bool:
    """Whether the version's index exists and is whole."""
    return hnsw.has_index(SPACE, version)


def drop_index(*, version: ModelVersion) -> None:
    """Remove the version's index; best_items() stays right, and becomes slow."""
    hnsw.drop_index(SPACE, version)


def best_items(
    version: ModelVersion,
    vector: Floats | Sequence[float],
    *,
    k: int,
    filters: ItemFilters | None = None,
    exclude: Collection[int] = (),
) -> list[tuple[int, float]]:
    """Visible items with the highest products: (item_id, score), best first.

    Never fewer than k as long as k allowed items have vectors: a narrow filter is searched
    exactly, and so is one for which the index came back short.
    """
    if k < 1:
        return []
    filters = filters or ItemFilters()
    allowed = _allowed(version, filters)
    if exclude:
        allowed = allowed.exclude(item_id__in=list(exclude))
    if not filters.is_empty and hnsw.is_narrow(filters):
        return hnsw.exact(SPACE, allowed, _asked(vector), k, version)
    found = hnsw.by_index(SPACE, allowed, _asked(vector), k, version)
    return found if len(found) >= k else hnsw.exact(SPACE, allowed, _asked(vector), k, version)


def scores_of(
    version: ModelVersion,
    vector: Floats | Sequence[float],
    item_ids: Collection[int],
    *,
    filters: ItemFilters | None = None,
) -> list[tuple[int, float]]:
    """Of these items those that are visible and pass the filters, with their products."""
    if not item_ids:
        return []
    rows = _allowed(version, filters or ItemFilters()).filter(item_id__in=list(item_ids))
    return hnsw.exact(SPACE, rows, _asked(vector), len(item_ids), version)


def _asked(vector: Floats | Sequence[float]) -> Floats:
    """What levels the items' lengths does not count in a product."""
    return np.append(np.asarray(vector, np.float32), np.float32(0.0))


def _allowed(version: ModelVersion, filters: ItemFilters) -> Any:
    return SPACE.rows(version).filter(visible_item("item__"), filters.q("item__"))
