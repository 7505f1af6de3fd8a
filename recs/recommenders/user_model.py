"""Picked for you: what the live user model says comes next after the viewer's latest events."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from django.db import connection

from catalog import scope
from recs.content import content_vectors
from recs.errors import NoLiveVersion, UnusableVersion
from recs.features import history_rows
from recs.history import History, TasteItem
from recs.index import nearest_items
from recs.item_contents import read_content
from recs.item_vectors import vectors_of
from recs.ml.evidence import unit
from recs.ml.histories import Histories
from recs.ml.item_content import Attributes
from recs.ml.served_evidence import NEWEST, Proposals, content_asked, content_cosines
from recs.ml.served_model import ServedModel
from recs.models import ContentVersion, ModelVersion
from recs.recommenders.base import Ask, Candidate, Recommender
from recs.user_models import contents_of, item_rows, live_model
from recs.vector_index import DEPTH, best_items, scores_of

SOURCE = "user_model"
# Items that are looked at for an answer: so many by vector, so many that neighbours name, and so
# many by text, for what nobody wanted yet is often behind by vector and before by its weights. The
# second look reads the best 100 of them (recs/ml/reranker.py).
BY_VECTOR = DEPTH
BY_NEIGHBOURS = 200
BY_TEXT = 200
TEXT = ContentVersion.TEXT
MOST_VECTORS = 2_000

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

_COSINES = """
    SELECT item_id, ARRAY[{products}]::real[]
    FROM recs_contentembedding WHERE version_id = %s AND item_id = ANY(%s)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picking:
    """Whether the user model answers a viewer: its source, or the code of why it does not.

    `model_version`: the version's name, "" with a fallback. `fallback`: "", "no_history",
    "unknown_items" (all that the viewer did is younger than the version), "no_live_version" or
    "unusable_version".
    """

    source: Recommender | None = None
    model_version: str = ""
    fallback: str = ""
    # The live match filter, where it was read on the way.
    match_filter: ModelVersion | None = None


class VectorCache:
    """Vectors of histories, the latest used kept.

    The key is the catalog, the version and all that the vector is made of, so that whoever asks, a
    vector is never that of another history, and a click leads to another key.
    """

    def __init__(self, most: int = MOST_VECTORS) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, int, bytes], Floats] = OrderedDict()

    def vector(self, version: ModelVersion, model: ServedModel, history: Histories) -> Floats:
        """(D,) float32, of one history."""
        key = (scope.current(), version.pk, _digest(history))
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
                return found
        made = np.asarray(model.users(history)[0], np.float32)
        made.flags.writeable = False
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return made

    def forget(self) -> None:
        """Make them anew at the next call."""
        with self._lock:
            self._kept.clear()


vectors = VectorCache()


def picking(history: History) -> Picking:
    """The source for a viewer with this history, by the version that is live now."""
    if not history.wanted:
        return Picking(fallback="no_history")
    try:
        version, model = live_model()
    except (NoLiveVersion, UnusableVersion) as error:
        return Picking(fallback=error.code)
    picker = picker_of(version, model, history)
    if picker is None:
        return Picking(fallback="unknown_items")
    return Picking(source=picker, model_version=version.name)


def picker_of(version: ModelVersion, model: ServedModel, history: History) -> "Picker | None":
    """The source of any version, live or not; None for who did nothing that the version knows."""
    rows = history_rows(history, model.vocabulary)
    if not len(rows.items):
        return None
    return Picker(version=version, model=model, history=rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picker:
    """A source of recommendations for one history (U = 1) by one version."""

    version: ModelVersion
    model: ServedModel
    history: Histories

    def __call__(self, ask: Ask) -> list[Candidate]:
        """The best by the version's own score, each with the item of the taste most like it."""
        ids = self.ranked(ask)[0][: ask.k]
        reasons = self._because(ids, ask.taste) if ids else []
        return [
            Candidate(item_id=item_id, score=1.0 - place / ask.k, source=SOURCE, because=because)
            for place, (item_id, because) in enumerate(zip(ids, reasons, strict=True))
        ]

    def ranked(self, ask: Ask) -> tuple[list[int], Floats]:
        """Keys of visible items within the filters, best first, and their scores."""
        user = vectors.vector(self.version, self.model, self.history)
        asked = self.asked()
        found = self._found(ask, user, asked.get(TEXT))
        ids = list(found)
        if not ids:
            return [], np.zeros(0, np.float32)
        rows = item_rows(self.model, ids)
        proposals = Proposals(
            rows=rows,
            scores=np.array([found[item_id] for item_id in ids], np.float32),
            content={
                modality: content_cosines(_products(version, ids, table))
                for modality, (version, table) in asked.items()
            },
            attributes=self._attributes(ids, rows),
        )
        scores = self.model.scores(self.history, user, proposals)
        # Equal ones in an order that says nothing of their keys.
        order = np.lexsort((_lots(ids), -scores))
        return [ids[place] for place in order.tolist()], scores[order]

    def _found(
        self, ask: Ask, user: Floats, text: tuple[ContentVersion, Floats] | None
    ) -> dict[int, float]:
        """Items to look at, with their products with the person's vector."""
        nearest = best_items(
            self.version,
            user,
            k=max(BY_VECTOR, 2 * ask.k),
            filters=ask.filters,
            exclude=ask.excluded,
        )
        found = dict(nearest)
        named = self.model.vocabulary.ids(self.model.neighbours(self.history, BY_NEIGHBOURS))
        others = {int(key) for key in named} - ask.excluded
        if text is not None and text[1][0].any():
            version, asked = text
            like = nearest_items(
                vector=asked[0], k=BY_TEXT, filters=ask.filters, exclude=ask.excluded,
                version=version,
            )  # fmt: skip
            others |= {item_id for item_id, _ in like}
        others -= found.keys()
        return found | dict(scores_of(self.version, user, others, filters=ask.filters))

    def asked(self) -> dict[str, tuple[ContentVersion, Floats]]:
        """By modality what the content of proposals is compared with: the newest items' own."""
        contents = contents_of(self.model)
        used = {m: contents[m] for m in self.model.evidence.modalities if m in contents}
        newest = [int(key) for key in self.model.vocabulary.ids(self.history.items[-NEWEST:])]
        read = content_vectors(newest, versions=used)
        return {
            modality: (version, content_asked(unit(read[modality])))
            for modality, version in used.items()
        }

    def _attributes(self, ids: list[int], rows: Ints) -> Attributes | None:
        """Of the proposals, read only where the vocabulary lacks one of them."""
        if (rows > 0).all() or not self.model.attributes:
            return None
        new = {item_id for item_id, row in zip(ids, rows.tolist(), strict=True) if not row}
        read = read_content(sorted(new), versions={}, attributes=self.model.attributes)
        values = read.content.attributes
        place = {item_id: row for row, item_id in enumerate(sorted(new), start=1)}
        lists = [
            values.values[values.offsets[place[i]] : values.offsets[place[i] + 1]].tolist()
            if i in new
            else []
            for i in ids
        ]
        return Attributes.of_lists([[], *lists], values.size)

    def _because(self, ids: list[int], taste: Sequence[TasteItem]) -> list[TasteItem | None]:
        """For each item the one of the taste whose vector is most like its own; None for none."""
        rows = item_rows(self.model, [item.item_id for item in taste])
        known = [item for item, row in zip(taste, rows.tolist(), strict=True) if row]
        if not known:
            return [None] * len(ids)
        cosines = self._unit_vectors(ids) @ unit(self.model.vectors(rows[rows > 0])).T
        best = cosines.argmax(axis=1)  # the newest one among equals
        return [
            known[place] if cosines[row, place] > 0 else None
            for row, place in enumerate(best.tolist())
        ]

    def _unit_vectors(self, ids: list[int]) -> Floats:
        """(n, D) of items as candidates; new ones are read from the database."""
        rows = item_rows(self.model, ids)
        table = self.model.vectors(rows)
        new = np.flatnonzero(rows == 0).tolist()
        read = vectors_of(self.version, [ids[place] for place in new]) if new else {}
        for place in new:
            table[place] = read.get(ids[place], 0.0)
        return unit(table)


def _products(version: ContentVersion, ids: list[int], asked: Floats) -> Floats:
    """(C, 1 + m) cosines in the database, which has the vectors; zeros where there is none."""
    has = np.flatnonzero((asked != 0).any(axis=1))
    products = np.zeros((len(ids), len(asked)), np.float32)
    if not len(has):
        return products
    size = int(version.dimensions)
    one = f"1 - (vector::halfvec({size:d}) <=> %s::halfvec({size:d}))"
    written = [str(asked[place].tolist()) for place in has]
    with connection.cursor() as cursor:
        cursor.execute(
            _COSINES.format(products=", ".join([one] * len(has))), [*written, version.pk, ids]
        )
        found = dict(cursor.fetchall())
    for place, item_id in enumerate(ids):
        if item_id in found:
            products[place, has] = found[item_id]
    return np.nan_to_num(products)


def _digest(history: Histories) -> bytes:
    parts = (history.items.tobytes(), history.kinds.tobytes(), history.days.tobytes())
    return hashlib.sha256(b"|".join(parts)).digest()


def _lots(ids: list[int]) -> npt.NDArray[np.uint64]:
    return np.array(ids, np.uint64) * np.uint64(0x9E3779B97F4A7C15)
