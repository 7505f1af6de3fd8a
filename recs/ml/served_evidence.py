"""What speaks for the items that one request looks at: `evidence.py` for a few items, in NumPy."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy import sparse

from recs.ml.evidence import (
    LEAST_SHARE,
    AttributeEvidence,
    ContentEvidence,
    fading,
    unit,
)
from recs.ml.histories import Histories
from recs.ml.item_content import Attributes
from recs.ml.item_knn import ItemKnn

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

NEW = "new_"
WAYS = ("mean", "last", "nearest")
_CONTENT = ContentEvidence("", np.zeros((0, 0), np.float32))
# Newest items of a history whose content is compared.
NEWEST = _CONTENT.newest


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposals:
    """C items that may be shown to one person.

    `rows`: (C,) int64, 0 for an item that the vocabulary lacks. `scores`: (C,) float32, products of
    the person's vector and theirs. `content`: by modality (C, 3) float32, see content_cosines();
    a modality that is not there counts as 0. `attributes`: of all C items, or None where the
    vocabulary has all of them.
    """

    rows: Ints
    scores: Floats
    content: Mapping[str, Floats] = field(default_factory=dict)
    attributes: Attributes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedEvidence:
    """Numbers that were weighed in training, by name and in their order.

    `names`: F of them. `counts`: (N + 1,) int64, events of each item. `alike`: attributes of the
    vocabulary's items, None without any. `rarity`: (A,) float32, see attribute_rarity().
    """

    names: tuple[str, ...]
    knn: Mapping[str, ItemKnn]
    counts: Ints
    alike: AttributeEvidence | None
    rarity: Floats

    @property
    def modalities(self) -> tuple[str, ...]:
        """Those of content that are compared."""
        plain = {name.removeprefix(NEW) for name in self.names}
        return tuple(sorted({n.rsplit("_", 1)[0] for n in plain if n.endswith(WAYS) and "_" in n}))

    def check(self) -> None:
        """Refuse numbers that this release cannot give.

        Raises:
            ValueError: names them.
        """
        known = {"user_model", "attributes", "popularity"} | set(self.knn)
        known |= {f"{name}_any" for name in self.knn}
        known |= {f"{modality}_{way}" for modality in self.modalities for way in WAYS}
        known |= {f"{NEW}{name}" for name in known} | {f"{NEW}item"}
        if unknown := set(self.names) - known:
            raise ValueError(f"Evidence that is not known here: {sorted(unknown)}.")

    def numbers(self, history: Histories, proposals: Proposals, log_chances: Floats) -> Floats:
        """(C, F) float32, in the order of the names.

        Args:
            history: of one person.
            proposals: what is looked at.
            log_chances: (C,) float32, the user model's logarithm of how likely each is.
        """
        rows = proposals.rows
        found: dict[str, Floats] = {"user_model": log_chances}
        for name, knn in self.knn.items():
            shares = _shares(knn, history, rows)
            found[name] = np.log(shares + np.float32(LEAST_SHARE))
            found[f"{name}_any"] = (shares > 0).astype(np.float32)
        for modality, cosines in proposals.content.items():
            found |= {f"{modality}_{way}": cosines[:, n] for n, way in enumerate(WAYS)}
        if "attributes" in self.names:
            found["attributes"] = self._alike(history, proposals)
        counts = np.where(rows > 0, self.counts[rows], 0)
        found["popularity"] = np.log1p(counts).astype(np.float32)
        is_new = (counts == 0).astype(np.float32)
        found |= {f"{NEW}{name}": table * is_new for name, table in found.items()}
        found[f"{NEW}item"] = is_new
        nothing = np.zeros(len(rows), np.float32)
        return np.stack([found.get(name, nothing) for name in self.names], axis=1)

    def _alike(self, history: Histories, proposals: Proposals) -> Floats:
        """(C,) cosine of attributes with the fading mean of the newest items'."""
        alike, rows = self.alike, proposals.rows
        if alike is None:
            return np.zeros(len(rows), np.float32)
        read = fading(history, alike.weights.shape[0], alike.newest, alike.fade)
        asked = np.asarray((read @ alike.weights).todense(), np.float32)[0]  # (A,)
        scores = np.asarray(alike.weights[rows] @ asked, np.float32)
        if proposals.attributes is not None:
            new = rows == 0
            scores[new] = (_weighed(proposals.attributes, self.rarity)[1:] @ asked)[new]
        return scores


def attribute_rarity(attributes: Attributes) -> Floats:
    """(A,) float32, how much each attribute weighs: as AttributeEvidence.of() has it."""
    having = np.bincount(attributes.values, minlength=attributes.size)
    rows = len(attributes.offsets) - 1
    return np.log(rows / np.maximum(having, 1)).astype(np.float32)


def content_asked(vectors: Floats) -> Floats:
    """What the content of proposals is compared with, in one modality.

    Args:
        vectors: (n, D) float32, unit vectors of the newest items of a history, the newest last, at
            most NEWEST of them; zeros where an item lacks it.

    Returns:
        (1 + m, D) float32: the fading mean, then the newest m items, the newest first.
    """
    vectors = vectors[-NEWEST:]
    fades = (_CONTENT.fade ** np.arange(len(vectors) - 1, -1, -1.0)).astype(np.float32)
    mean = unit((fades @ vectors)[None])
    return np.concatenate([mean, vectors[::-1][: _CONTENT.nearest_of]])


def content_cosines(products: Floats) -> Floats:
    """(C, 3) float32, mean, last and nearest, of (C, 1 + m) products with content_asked()."""
    parts = [products[:, 0], products[:, 1], products[:, 1:].max(axis=1)]
    return np.stack(parts, axis=1).astype(np.float32)


def _shares(knn: ItemKnn, history: Histories, rows: Ints) -> Floats:
    """(C,) each item's share of all that the neighbours name; 0 for row 0."""
    found = knn.sparse_scores(history, np.array([0]))
    row = np.zeros(found.shape[1], np.float32)
    row[found.indices] = found.data
    return np.asarray(row[rows] / max(float(found.data.sum()), 1e-30), np.float32)


def _weighed(attributes: Attributes, rarity: Floats) -> Floats:
    """(n + 1, A) float32 rows of unit length."""
    table = sparse.csr_matrix(
        (rarity[attributes.values], attributes.values, attributes.offsets),
        (len(attributes.offsets) - 1, attributes.size),
    )
    return unit(np.asarray(table.todense(), np.float32))
