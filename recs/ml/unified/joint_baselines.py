"""What the unified model is measured against on a folder: nothing trained, but tuned."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from recs.ml.histories import Histories
from recs.ml.item_knn import ItemKnnConfig, fit_item_knn
from recs.ml.unified.impute import FILLED, impute
from recs.ml.unified.joint_files import JointData
from recs.ml.unified.judged import Judged, ndcg_of, rank_requests
from recs.ml.unified.lexical import K1, B, fit_bm25
from recs.ml.unified.prepared import Prepared, PreparedConfig, documents
from recs.ml.unified.surfaces import HOME, SEARCH, Requests, newest_then

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

# Newest items whose titles and vectors stand for a person's words where nobody typed any.
SPOKEN = 5
FUSION_K = 60
# Searched one after the other, around twice.
KNN_SEARCH: Mapping[str, tuple[Any, ...]] = {
    "target_power": (0.1, 0.2, 0.35, 0.5, 0.65),
    "history": (1, 5, 15, 50),
    "window": (5, 20, 50),
    "backward": (0.3, 0.6, 1.0),
    "recency_power": (0.0, 0.3, 0.6, 1.0),
}


@dataclass(frozen=True, slots=True)
class Baselines:
    """Scores (R, N + 1) of requests, as of the moment of `prepared`."""

    prepared: Prepared

    def by_name(self) -> dict[str, Callable[[Requests], Floats]]:
        """Every one of them."""
        return {
            "popularity": self.popularity,
            "bm25": self.bm25,
            "minilm": self.minilm,
            "rank-fusion": self.fusion,
            "chosen-before": self.chosen,
            "item-knn": self.item_knn,
        }

    def popularity(self, requests: Requests) -> Floats:
        """How often items were wanted or chosen before."""
        chosen = np.asarray(self.prepared.chosen.sum(axis=0)).reshape(-1)
        counts = np.log1p(chosen + self.prepared.items.counts).astype(np.float32)
        return np.tile(counts, (len(requests), 1))

    def bm25(self, requests: Requests) -> Floats:
        """Words against words; without words the titles of the newest items."""
        texts = self.prepared.texts
        rows = self._words(requests)
        newest = self._newest(requests)
        spoken = [
            texts.rows[row]
            if row
            else " ".join(texts.rows[texts.first_title + item] for item in newest.items_of(place))
            for place, row in enumerate(rows.tolist())
        ]
        return self.prepared.bm25.score(spoken)

    def minilm(self, requests: Requests) -> Floats:
        """Text vectors; without words the mean of the newest items' ones."""
        texts = self.prepared.texts
        rows = self._words(requests)
        newest = self._newest(requests)
        vectors = texts.words[rows].copy()
        means = np.zeros_like(vectors)
        np.add.at(means, newest.owners, texts.items[newest.items])
        vectors[rows == 0] = means[rows == 0]
        return vectors @ texts.items.T

    def fusion(self, requests: Requests) -> Floats:
        """Reciprocal ranks of the two above (Cormack et al., SIGIR 2009)."""
        total = np.zeros((len(requests), self.prepared.item_count + 1), np.float32)
        for scores in (self.bm25(requests), self.minilm(requests)):
            ranks = np.empty(scores.shape, np.float32)
            order = np.argsort(-scores, axis=1, kind="stable")
            np.put_along_axis(
                ranks, order, np.arange(scores.shape[1], dtype=np.float32)[None], axis=1
            )
            total += 1.0 / (FUSION_K + ranks)
        return total

    def chosen(self, requests: Requests) -> Floats:
        """How often an item was chosen for these very words; popularity between equals."""
        rows = self._words(requests)
        counts = np.asarray(self.prepared.chosen[rows].todense(), np.float32)
        return counts + 1e-3 * self.popularity(requests)

    def item_knn(self, requests: Requests) -> Floats:
        """What is wanted after the person's items; for "more like this" after the source alone."""
        knn, log = self.prepared.knn, self.prepared.data.log
        wanted = newest_then(log.wanted, requests.persons, requests.days, knn.config.history)
        alone = Histories.of_lists([[row] if row else [] for row in requests.sources.tolist()])
        both = wanted + alone
        is_source = requests.sources > 0
        places = np.where(is_source, len(wanted) + np.arange(len(wanted)), np.arange(len(wanted)))
        return knn.score(both, places)

    def _words(self, requests: Requests) -> Ints:
        log, first_title = self.prepared.data.log, self.prepared.texts.first_title
        return impute(requests, log, first_title, surfaces=FILLED).requests.words

    def _newest(self, requests: Requests) -> Histories:
        log = self.prepared.data.log
        return newest_then(log.wanted, requests.persons, requests.days, SPOKEN)


def tune(prepared: Prepared, judged: Judged) -> PreparedConfig:
    """Settings of BM25 and item-kNN that rank later requests best.

    Args:
        prepared: as of an earlier moment.
        judged: requests after it: searches for BM25, home for item-kNN.
    """
    searches, homes = judged.of_task(SEARCH), judged.of_task(HOME)
    log = prepared.data.log
    texts = documents(prepared.data, prepared.texts, prepared.chosen)

    def words_gain(setting: tuple[float, float]) -> float:
        bm25 = fit_bm25(texts, k1=setting[0], b=setting[1])
        baselines = Baselines(replace(prepared, bm25=bm25))
        found = rank_requests(baselines.bm25, searches.requests, log, 10)
        return float(ndcg_of(found, searches).mean())

    k1, b = (0.9, 0.5)
    if len(searches):
        k1, b = max(((k1, b) for k1 in K1 for b in B), key=words_gain)
    knn = _tuned_knn(prepared.data, prepared, homes) if len(homes) else ItemKnnConfig()
    return PreparedConfig(knn=knn, k1=k1, b=b)


def _tuned_knn(data: JointData, prepared: Prepared, homes: Judged) -> ItemKnnConfig:
    histories = data.log.wanted.before(prepared.until)
    seen: dict[ItemKnnConfig, float] = {}

    def gain(config: ItemKnnConfig) -> float:
        if config not in seen:
            knn = fit_item_knn(histories, prepared.item_count, config)
            score = Baselines(replace(prepared, knn=knn)).item_knn
            found = rank_requests(score, homes.requests, data.log, 10)
            seen[config] = float(ndcg_of(found, homes).mean())
        return seen[config]

    best = ItemKnnConfig()
    for _ in range(2):
        for name, values in KNN_SEARCH.items():
            best = max((best, *(replace(best, **{name: value}) for value in values)), key=gain)
    return best
