"""What the relevance benchmark writes."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from recs.ml.relevance.pairs import Pairs

DoubleFloats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def write_scores(path: Path, pairs: Pairs, relevance: DoubleFloats, bad: DoubleFloats) -> None:
    """A table with tabs: id, relevance, bad_match (empty where nothing was learned).

    Args:
        path: replaced when all is written.
        pairs: P.
        relevance: (P,), higher is better for that query.
        bad: (P,) from 0 to 1; NaN where it is unknown.
    """
    lines = ["id\trelevance\tbad_match"]
    for name, score, chance in zip(pairs.ids, relevance.tolist(), bad.tolist(), strict=True):
        lines.append(f"{name}\t{score:.9g}\t{'' if np.isnan(chance) else f'{chance:.6f}'}")
    _write(path, lines)


def write_found(path: Path, pairs: Pairs, found: Mapping[str, Ints]) -> None:
    """A table with tabs: query, rank from 1, id of a pair whose product was found.

    Args:
        path: replaced when all is written.
        pairs: P.
        found: by query, places of pairs, best first.
    """
    lines = ["query\trank\tid"]
    for query, places in found.items():
        lines.extend(
            f"{query}\t{rank}\t{pairs.ids[place]}"
            for rank, place in enumerate(places.tolist(), start=1)
        )
    _write(path, lines)


def _write(path: Path, lines: list[str]) -> None:
    staged = path.with_name(f".{path.name}.part")
    staged.write_text("\n".join(lines) + "\n", encoding="utf-8")
    staged.replace(path)
