"""Importing content vectors that were made elsewhere: how audio, or any modality, gets in."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from catalog.errors import InvalidInput
from catalog.importers.bulk import batches
from catalog.importers.files import open_source
from catalog.importers.rows import Row, count_rows, read_rows
from catalog.models import Item
from catalog.progress import NO_PROGRESS, Progress
from recs.content import ensure_modality, literal, write_vectors
from recs.models import ContentVersion

Floats = npt.NDArray[np.float32]

NAME = re.compile(r"[a-z][a-z0-9_]{0,19}")
MADE_HERE = (ContentVersion.TEXT, ContentVersion.IMAGE, ContentVersion.FACTS)
BATCH_SIZE = 1_000
MAX_DIMENSIONS = 4_000
LARGEST_HALF = 65_504.0
MAX_PROBLEMS = 20


@dataclass(slots=True)
class VectorReport:
    """What became of a file's rows."""

    written: int = 0
    unknown: int = 0
    bad: int = 0
    problems: list[str] = field(default_factory=list)
    version: ContentVersion | None = None

    def refuse(self, row: Row, why: str) -> None:
        """Count a row that cannot be used; the first ones are told in words."""
        self.bad += 1
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(f"line {row.line}: {why}")


def import_vectors(
    *,
    path: str | Path,
    modality: str,
    encoder: str,
    revision: str = "1",
    progress: Progress = NO_PROGRESS,
) -> VectorReport:
    """Read vectors of items from JSON Lines or Parquet with the columns `id` and `vector`.

    They count at the next `build_codes`. Reading the file again changes nothing; another encoder
    or revision begins a version of its own, which takes the place of the one in use.

    Args:
        path: the file; may be gzipped.
        modality: such as "audio": 1 to 20 small letters, digits and "_".
        encoder: what made the vectors.
        revision: which one of it.
        progress: told of each batch.

    Raises:
        InvalidInput: the file or a name cannot be used; text, image and facts are made here.
    """
    if not NAME.fullmatch(modality) or modality in MADE_HERE:
        raise InvalidInput(
            "A modality has 1 to 20 small letters, digits and '_', and is none of "
            f"{', '.join(MADE_HERE)}, which are made here.",
            field="modality",
        )
    source = open_source(path, format=None)
    progress.set_total(count_rows(source))
    report = VectorReport()
    for rows in batches(read_rows(source), BATCH_SIZE):
        vectors = _readable(rows, report)
        if vectors and report.version is None:
            report.version = ensure_modality(
                modality=modality,
                encoder=encoder,
                revision=revision,
                template="imported",
                dimensions=len(next(iter(vectors.values()))[1]),
            )
        if report.version is not None:
            _write(report.version, vectors, report)
        progress.advance(len(rows), message="importing vectors")
    return report


def _readable(rows: Sequence[Row], report: VectorReport) -> dict[str, tuple[Row, Floats]]:
    """Row and vector by the item's own id; the last row of an id counts."""
    found = {}
    for row in rows:
        values = row.values or {}
        item_id, vector = values.get("id"), _vector(values.get("vector"))
        if row.values is None:
            report.refuse(row, row.problem)
        elif item_id in (None, "") or vector is None:
            report.refuse(row, "needs 'id', and 'vector': a list of finite numbers, not all 0")
        else:
            found[str(item_id)] = (row, vector)
    return found


def _vector(given: Any) -> Floats | None:
    try:
        vector = np.asarray(given, dtype=np.float32)
    except (TypeError, ValueError):
        return None
    if vector.ndim != 1 or not 1 <= len(vector) <= MAX_DIMENSIONS or not vector.any():
        return None
    return vector if np.isfinite(vector).all() and abs(vector).max() <= LARGEST_HALF else None


def _write(
    version: ContentVersion, vectors: dict[str, tuple[Row, Floats]], report: VectorReport
) -> None:
    known = Item.objects.filter(external_id__in=list(vectors)).values_list("external_id", "pk")
    keys = dict(known)
    report.unknown += len(vectors) - len(keys)
    rows = {}
    for item_id, (row, vector) in vectors.items():
        if len(vector) != version.dimensions:
            report.refuse(row, f"has {len(vector)} numbers, the others {version.dimensions}")
        elif item_id in keys:
            text = literal(vector)
            rows[keys[item_id]] = (sha256(text.encode()).hexdigest(), text)
    report.written += write_vectors(version, rows)
