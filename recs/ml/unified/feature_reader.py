"""Features of requests of a log: from what was prepared for a moment to what features read."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recs.ml.unified.features import (
    ASKED,
    LONGEST,
    Candidates,
    Facts,
    ItemSide,
    Question,
    read_features,
)
from recs.ml.unified.impute import impute
from recs.ml.unified.prepared import Prepared
from recs.ml.unified.retriever import Retriever
from recs.ml.unified.surfaces import Requests, newest_then

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class FeatureReader:
    """Features of requests and candidates, as of the moment of `prepared`.

    `stale_days`: so many days before a request the user model read its person last.
    """

    prepared: Prepared
    retriever: Retriever
    stale_days: float = 0.0

    def read(self, requests: Requests, candidates: Ints, places: Ints | None = None) -> Floats:
        """(R, C, F) float32, finite, in the order of features.NAMES_OF_ALL.

        Args:
            requests: R of them.
            candidates: (R, C) int64 item rows; of 0, which is no item, the numbers mean nothing.
            places: (R, C) int64, where they were shown; None where they were not.
        """
        facts = self.facts()
        side = facts.items.take(candidates)
        shown = Candidates(rows=candidates, side=side, places=places)
        return read_features(facts, self.question(requests), shown)

    def facts(self) -> Facts:
        """What features read of all items."""
        prepared = self.prepared
        items = ItemSide(
            vectors=self.retriever.items,
            text=prepared.texts.items,
            graph=prepared.items.graph,
            quality=prepared.quality,
            person=self._nobody(prepared.item_count + 1)
            if prepared.person is None
            else prepared.person.items,
        )
        return Facts(items=items, knn=prepared.knn, bm25=prepared.bm25)

    def question(self, requests: Requests) -> Question:
        """These requests, each with what its person did before it."""
        prepared, read_by = self.prepared, self.retriever.reader
        log = read_by.log
        imputed = impute(requests, log, read_by.first_title, surfaces=read_by.imputes)
        filled = imputed.requests
        who = (requests.persons, requests.days)
        asked = newest_then(log.asked, *who, ASKED)
        picked = newest_then(log.chosen, *who, ASKED)
        known = newest_then(log.wanted, *who, LONGEST)
        read = known
        if self.stale_days:
            read = newest_then(
                log.wanted, requests.persons, requests.days - self.stale_days, LONGEST
            )
        return Question(
            tasks=filled.tasks.astype(np.int64),
            sources=filled.sources,
            days=filled.days,
            given=imputed.given.astype(np.float32),
            words=tuple(prepared.texts.rows[row] for row in filled.words),
            text=prepared.texts.words[filled.words],
            graph=prepared.words.graph[filled.words],
            chosen=prepared.chosen[filled.words],
            vectors=self.retriever.encode(requests),
            stranger=self.retriever.encode(requests.signed_out()),
            person=self._nobody(len(requests))
            if prepared.person is None
            else prepared.person.users(read),
            known=known,
            picked=picked,
            same_words=picked.only(asked.items == filled.words[asked.owners]),
        )

    @staticmethod
    def _nobody(count: int) -> Floats:
        """(count, 0): there is no user model."""
        return np.zeros((count, 0), np.float32)


def in_parts(
    count: int, size: int, work: Callable[[Ints], npt.NDArray[np.generic]]
) -> list[npt.NDArray[np.generic]]:
    """What `work` makes of the places from 0 to `count`, a part at a time."""
    return [
        work(np.arange(start, min(start + size, count), dtype=np.int64))
        for start in range(0, count, size)
    ]
