"""Content vectors of every modality: which versions count, and reading and writing them in bulk."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import numpy.typing as npt
from django.db import connection

from catalog.models import Item
from recs.models import ContentEmbedding, ContentVersion
from recs.versions import promote

Floats = npt.NDArray[np.float32]

READ_ROWS = 2_000
_WRITE = """
    WITH present AS (SELECT id FROM catalog_item WHERE id = ANY(%s) FOR KEY SHARE)
    INSERT INTO recs_contentembedding (item_id, version_id, input_hash, vector, created_at)
    SELECT item_id, %s, input_hash, vector::halfvec, clock_timestamp()
    FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS given(item_id, input_hash, vector)
    JOIN present ON present.id = item_id
    ON CONFLICT (version_id, item_id) DO UPDATE SET input_hash = EXCLUDED.input_hash,
        vector = EXCLUDED.vector, created_at = EXCLUDED.created_at
"""


def live_versions() -> dict[str, ContentVersion]:
    """The version in use of each modality that has one, by its name."""
    rows = ContentVersion.objects.filter(is_live=True)
    return {version.modality: version for version in rows}


def ensure_modality(
    *, modality: str, encoder: str, revision: str, template: str, dimensions: int
) -> ContentVersion:
    """The version of a modality other than the text; the live one of it from now on."""
    version, _ = ContentVersion.objects.get_or_create(
        encoder=encoder,
        revision=revision,
        template=template,
        defaults={"dimensions": dimensions, "modality": modality},
    )
    if not version.is_live:
        promote(version=version)
    return version


def content_vectors(
    item_ids: Sequence[int], *, versions: Mapping[str, ContentVersion] | None = None
) -> dict[str, Floats]:
    """Vectors of items in every modality.

    Args:
        item_ids: n items, by key.
        versions: by modality; those that are live where it is None.

    Returns:
        By modality (n, D) float32; a row of zeros where an item lacks it.
    """
    versions = live_versions() if versions is None else versions
    place = {item_id: row for row, item_id in enumerate(item_ids)}
    found = {}
    for modality, version in versions.items():
        table = np.zeros((len(item_ids), version.dimensions), np.float32)
        for start in range(0, len(item_ids), READ_ROWS):
            _read(table, place, version, item_ids[start : start + READ_ROWS])
        found[modality] = table
    return found


def write_vectors(version: ContentVersion, rows: Mapping[int, tuple[str, str]]) -> int:
    """Insert or replace vectors in one statement; items deleted meanwhile are left out.

    Args:
        version: which they belong to.
        rows: by item the hash of what was read, and the vector as literal() writes it.

    Returns:
        How many were written.
    """
    items = list(rows)
    hashes, vectors = [key for key, _ in rows.values()], [vector for _, vector in rows.values()]
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, [items, version.pk, items, hashes, vectors])
        return int(cursor.rowcount)


def known_vectors(version: ContentVersion, hashes: Collection[str]) -> dict[str, str]:
    """Vectors that this version has of these inputs already, under whatever item."""
    rows = ContentEmbedding.objects.filter(version=version, input_hash__in=list(hashes))
    return {key: literal(vector) for key, vector in rows.values_list("input_hash", "vector")}


def literal(vector: Sequence[float] | Floats) -> str:
    """The text form of pgvector; six digits are more than a half holds."""
    return "[" + ",".join(f"{value:.6g}" for value in vector) + "]"


def all_item_ids() -> list[int]:
    """Keys of all items, hidden ones too, in their order."""
    return list(Item.objects.order_by("pk").values_list("pk", flat=True))


def _read(
    table: Floats, place: Mapping[int, int], version: ContentVersion, item_ids: Sequence[int]
) -> None:
    """Put the vectors of these items into their rows, from pgvector's binary form of halves."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT item_id, halfvec_send(vector) FROM recs_contentembedding "
            "WHERE version_id = %s AND item_id = ANY(%s)",
            [version.pk, list(item_ids)],
        )
        for item_id, sent in cursor:
            # Two numbers of two bytes, the first one the dimensions; then big-endian halves.
            table[place[item_id]] = np.frombuffer(bytes(sent), ">f2", offset=4)
