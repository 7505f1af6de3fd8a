"""A version of the user model as a ranking of the whole catalogue, by the code that serves it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recs.item_contents import read_content
from recs.item_vectors import vectors_of
from recs.ml.histories import Histories
from recs.ml.item_content import Attributes
from recs.ml.served_evidence import NEWEST, Proposals, content_asked, content_cosines
from recs.ml.served_model import ServedModel
from recs.ml.vocabulary import Vocabulary
from recs.models import ModelVersion
from recs.user_models import contents_of, item_rows, load_model

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionScorer:
    """A Scorer over a vocabulary that need not be the version's: its stored vectors say the rest.

    `rows`: (N + 1,) int64, rows of the items in the version's own vocabulary, 0 where it lacks
    them. `vectors`: (N + 1, D) float32 as stored, zeros without one. `content`: by modality
    (N + 1, D) float32 of unit length. `attributes`: of all N items.
    """

    model: ServedModel
    rows: Ints
    vectors: Floats
    content: dict[str, Floats]
    attributes: Attributes

    @property
    def item_count(self) -> int:
        """N."""
        return len(self.rows) - 1

    def score(self, histories: Histories, persons: Ints) -> Floats:
        """(B, N + 1) float32; the padding, items without a vector and what was seen are -inf."""
        chosen = histories.select(persons)
        known = self._as_known(chosen)
        users = self.model.users(known)
        scores = np.full((len(persons), len(self.rows)), -np.inf, np.float32)
        has_vector = self.vectors.any(axis=1)
        for person in range(len(persons)):
            if not known.lengths[person]:
                continue
            items = chosen.items_of(person)
            is_seen = np.zeros(len(self.rows), np.bool_)
            is_seen[items] = True
            proposed = np.flatnonzero(has_vector & ~is_seen)
            scores[person, proposed] = self.model.scores(
                known.select([person]),
                users[person],
                self._proposals(proposed, items, users[person]),
            )
        return scores

    def _as_known(self, histories: Histories) -> Histories:
        """With rows of the version's own vocabulary; what it lacks is left out."""
        rows = self.rows[histories.items]
        kept = histories.only(rows > 0)
        return Histories(
            people=kept.people, offsets=kept.offsets, items=rows[rows > 0], kinds=kept.kinds,
            days=kept.days,
        )  # fmt: skip

    def _proposals(self, proposed: Ints, items: Ints, user: Floats) -> Proposals:
        content = {
            modality: content_cosines(table[proposed] @ content_asked(table[items[-NEWEST:]]).T)
            for modality, table in self.content.items()
        }
        rows = self.rows[proposed]
        return Proposals(
            rows=rows,
            scores=self.vectors[proposed] @ user,
            content=content,
            attributes=None if (rows > 0).all() else _of_rows(self.attributes, proposed),
        )


def version_scorer(version: ModelVersion, vocabulary: Vocabulary) -> VersionScorer:
    """A version as it would be served, for items of this vocabulary.

    Raises:
        UnusableVersion: where the version cannot be loaded.
    """
    model = load_model(version)
    keys = [int(item_id) for item_id in vocabulary.item_ids]
    vectors = np.zeros((len(keys) + 1, model.dimensions), np.float32)
    stored = vectors_of(version, keys)
    for row, key in enumerate(keys, start=1):
        if key in stored:
            vectors[row] = stored[key]
    named = read_content(keys, versions=contents_of(model), attributes=model.attributes)
    return VersionScorer(
        model=model,
        rows=np.concatenate([[0], item_rows(model, keys)]),
        vectors=vectors,
        content={
            modality: _unit(named.content.vectors[modality])
            for modality in model.evidence.modalities
            if modality in named.content.vectors
        },
        attributes=named.content.attributes,
    )


def _unit(table: Floats) -> Floats:
    return np.asarray(table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-9))


def _of_rows(attributes: Attributes, rows: Ints) -> Attributes:
    """Those of some items, in their order, behind an empty row for the padding."""
    starts, stops = attributes.offsets[rows], attributes.offsets[rows + 1]
    offsets = np.concatenate([[0, 0], np.cumsum(stops - starts)]).astype(np.int64)
    places = np.repeat(starts - offsets[1:-1], stops - starts) + np.arange(offsets[-1])
    return Attributes(offsets=offsets, values=attributes.values[places], size=attributes.size)
