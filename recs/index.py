"""Nearest items by meaning: content vectors of a version, by their index or exactly."""

from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt

from catalog.filters import ItemFilters
from catalog.prepared import prepared_cursor
from recs import hnsw
from recs.models import ContentEmbedding, ContentVersion
from recs.querysets import visible_item
from recs.versions import live_version

SPACE = hnsw.Space(
    table=ContentEmbedding,
    versions=ContentVersion,
    compared=hnsw.COSINE,
    prefix="content_embedding_hnsw",
)
# The same as the queryset of nearest_items() without filters, which every search asks for. The
# version is in the text: with a parameter in its place the index, a partial one, would not do. The
# limit too: without it the planner expects a tenth of all rows, and compares everything.
NEAREST = """
SELECT embedding.item_id,
       embedding.vector::halfvec({dimensions:d}) <=> %(vector)s::halfvec({dimensions:d}) AS distance
FROM recs_contentembedding embedding JOIN catalog_item item ON item.id = embedding.item_id
WHERE embedding.version_id = {version:d} AND NOT item.is_hidden
  AND (item.available_from IS NULL OR item.available_from <= now())
  AND (item.available_until IS NULL OR item.available_until > now())
ORDER BY embedding.vector::halfvec({dimensions:d}) <=> %(vector)s::halfvec({dimensions:d})
LIMIT {k:d}
"""

Vector = npt.NDArray[np.float32]


def index_name(version: ContentVersion) -> str:
    """Name of the version's index in the database."""
    return SPACE.index_name(version)


def has_index(version: ContentVersion) -> bool:
    """Whether the version's index exists and is whole."""
    return hnsw.has_index(SPACE, version)


def build_index(*, version: ContentVersion) -> None:
    """Build the version's index, or build it anew beside the old one, and measure its recall."""
    hnsw.build_index(SPACE, version)


def drop_index(*, version: ContentVersion) -> None:
    """Remove the version's index; nearest_items() stays right, and becomes slow."""
    hnsw.drop_index(SPACE, version)


def nearest_items(
    *,
    vector: Vector | Sequence[float],
    k: int,
    filters: ItemFilters | None = None,
    exclude: Collection[int] = (),
    version: ContentVersion | None = None,
) -> list[tuple[int, float]]:
    """Visible items nearest to a vector: (item_id, cosine similarity), best first.

    Never fewer than k as long as k allowed items have vectors: a narrow filter is searched
    exactly, and so is one for which the index came back short.

    Raises:
        NoLiveVersion: before the first encoding has begun.
    """
    if k < 1:
        return []
    version = version or live_version()
    filters = filters or ItemFilters()
    allowed = SPACE.rows(version).filter(visible_item("item__"), filters.q("item__"))
    if exclude:
        allowed = allowed.exclude(item_id__in=list(exclude))
    if not filters.is_empty and hnsw.is_narrow(filters):
        return hnsw.exact(SPACE, allowed, vector, k, version)
    if filters.is_empty and not exclude:
        found = _by_index_prepared(vector, k, version)
    else:
        found = hnsw.by_index(SPACE, allowed, vector, k, version)
    return found if len(found) >= k else hnsw.exact(SPACE, allowed, vector, k, version)


def item_vector(item_id: int, *, version: ContentVersion | None = None) -> Vector | None:
    """The item's vector in the live version; None where it was not encoded yet."""
    return item_vectors([item_id], version=version).get(item_id)


def item_vectors(
    item_ids: Collection[int], *, version: ContentVersion | None = None
) -> dict[int, Vector]:
    """Vectors of those of the items that have one."""
    version = version or live_version()
    rows = ContentEmbedding.objects.filter(version_id=version.pk, item_id__in=list(item_ids))
    return {
        item_id: np.asarray(vector, dtype=np.float32)
        for item_id, vector in rows.values_list("item_id", "vector")
    }


def _by_index_prepared(
    vector: Vector | Sequence[float], k: int, version: ContentVersion
) -> list[tuple[int, float]]:
    """What the index finds among all visible items, by a statement that is planned once."""
    hnsw.set_scan(k)
    statement = NEAREST.format(version=version.pk, dimensions=version.dimensions, k=k)
    written = str(np.asarray(vector, dtype=np.float32).tolist())
    with prepared_cursor() as cursor:
        cursor.execute(statement, {"vector": written})
        return hnsw.ordered(SPACE, cursor.fetchall())
