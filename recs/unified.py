"""One call for every surface: what the unified model puts first, with the reasons it had.

Search, home and "more like this" differ in what is lacking of the request, and in nothing else.
"""

import dataclasses
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import numpy.typing as npt
from django.utils import timezone

from catalog.filters import ItemFilters
from catalog.models import Item
from catalog.types import Viewer
from recs import embeddings, registry
from recs.content import content_vectors
from recs.errors import NoLiveVersion, UnusableVersion
from recs.features import GOLDEN, SECONDS_A_DAY, history_rows
from recs.history import History, TasteItem
from recs.item_vectors import vectors_of
from recs.ml.unified.diversity import LOOKED_AT, diversify
from recs.ml.unified.features import GROUPS, NAMES_OF_ALL, Candidates, ItemSide, Question
from recs.ml.unified.quality import NAMES as QUALITIES
from recs.ml.unified.quality import with_quality
from recs.ml.unified.served import LiveRequest, ServedUnified, normal
from recs.ml.unified.surfaces import HOME, SEARCH, SIMILAR
from recs.models import ContentVersion, ModelVersion
from recs.searches import searches_of
from recs.surfaces import Mixing, why_not, why_not_strangers
from recs.unified_index import index_query
from recs.unified_models import KIND, load_unified, text_version
from recs.vector_index import best_items

SOURCE = "unified"
TASKS = {"search": SEARCH, "home": HOME, "similar": SIMILAR}
# Below that a group is no reason worth telling: it would not change the odds by a tenth.
LEAST_REASON = 0.1

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnifiedAsk:
    """What is asked of the model.

    `surface`: one of TASKS. `text`: the words of a search. `item_id`: what "more like this" hangs
    below. `at`: the moment, now where it is None; the history is as of then. `also`: items that
    are ranked beside those of the index, such as those that match the words; they are visible and
    pass the filters. `only_also`: and no others.
    """

    surface: str
    history: History = field(default_factory=History)
    viewer: Viewer = field(default_factory=Viewer)
    text: str = ""
    item_id: int | None = None
    filters: ItemFilters = field(default_factory=ItemFilters)
    excluded: Collection[int] = frozenset()
    at: datetime | None = None
    also: Sequence[int] = ()
    only_also: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Choosing:
    """The model that answers a surface for a viewer, or the code of why it does not."""

    surface: str = ""
    version: ModelVersion | None = None
    model: ServedUnified | None = None
    fallback: str = ""
    # The live match filter, read in the same statement; whether it counts is the surface's.
    match_filter: ModelVersion | None = None
    # Whoever asks: somebody looks into what the version would answer.
    is_looked_into: bool = False

    @property
    def name(self) -> str:
        """The version's name; "" with a fallback."""
        return self.version.name if self.version else ""

    def why_not_with(self, history: History) -> str:
        """The code of why it does not answer somebody with this history; "" where it does."""
        if self.fallback or self.version is None or history.wanted or self.is_looked_into:
            return self.fallback
        return why_not_strangers(self.surface, self.version)

    def rank(self, ask: UnifiedAsk) -> "Ranking":
        """What the version says; only where there is no fallback."""
        if self.version is None or self.model is None:
            raise NoLiveVersion("No version of the unified model answers here.")
        return rank(self.version, self.model, ask)


def choosing(surface: str, viewer: Viewer) -> Choosing:
    """By the switch of the surface, and by what is live."""
    version, match_filter = registry.live_of(KIND, ModelVersion.Kind.MATCH_FILTER)
    found = _chosen(surface, viewer, version)
    return dataclasses.replace(found, surface=surface, match_filter=match_filter)


def looking_into(version: ModelVersion, surface: str) -> Choosing:
    """That version, live or not, whatever the switch says and whoever asks.

    Raises:
        UnusableVersion: where it cannot be loaded.
    """
    return Choosing(
        surface=surface, version=version, model=load_unified(version), is_looked_into=True,
        match_filter=registry.live(ModelVersion.Kind.MATCH_FILTER),
    )  # fmt: skip


def _chosen(surface: str, viewer: Viewer, version: ModelVersion | None) -> Choosing:
    if version is None:
        return Choosing(fallback=NoLiveVersion.code)
    if reason := why_not(surface, viewer, version):
        return Choosing(fallback=reason)
    try:
        return Choosing(version=version, model=load_unified(version))
    except UnusableVersion as error:
        return Choosing(fallback=error.code)


def ranking_of(version: ModelVersion, ask: UnifiedAsk) -> "Ranking":
    """What any version would answer, live or not.

    Raises:
        UnusableVersion: where it cannot be loaded.
    """
    return rank(version, load_unified(version), ask)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """C items, best first.

    `logits`: (C,) float32 calibrated log-odds of being chosen. `features`: (C, F). `asked`:
    (D + F,), what the index was asked with; `fits`: by item its product with it. `vectors`: (C, D),
    `rows`: (C,), 0 for items that are younger than the version. `stages`: milliseconds.
    """

    version: ModelVersion
    model: ServedUnified
    question: Question
    ids: tuple[int, ...]
    logits: Floats
    features: Floats
    asked: Floats
    fits: Mapping[int, float]
    vectors: Floats
    rows: Ints
    stages: Mapping[str, float]

    def chance(self, place: int) -> float:
        """The odds of being chosen as a share from 0 to 1."""
        return float(1.0 / (1.0 + np.exp(-np.float64(self.logits[place]))))

    def contributions(self, places: Sequence[int]) -> list[dict[str, float]]:
        """For each place by group how much of its log-odds the group is the reason of."""
        if not places:
            return []
        found = self.model.scores.contributions(
            self.features[list(places)], self.features.mean(axis=0)
        )
        return [dict(zip(GROUPS, map(float, row), strict=True)) for row in found]

    def reasons(self, places: Sequence[int], taste: Sequence[TasteItem]) -> list["Reason"]:
        """For each place what spoke most for it, and all that did."""
        # An item is like itself; that is no reason for what hangs below it.
        source = int(self.question.sources[0]) if self.question.given[0, 1] else -1
        rows = self.model.vocabulary.rows(str(item.item_id) for item in taste).tolist()
        others = [item for item, row in zip(taste, rows, strict=True) if row != source]
        likest = self._likest(places, others)
        return [
            dataclasses.replace(
                self._reason(place, told, seed),
                explanation={**told, "chance": self.chance(place)},
            )
            for place, told, seed in zip(places, self.contributions(places), likest, strict=True)
        ]

    def mixed(self, mixing: Mixing, k: int) -> list[int]:
        """Places of k items, mixed as the surface wants it."""
        if mixing.is_off:
            return list(range(min(k, len(self.ids))))
        looked_at = self.ids[: max(LOOKED_AT, k)]
        rows = Item.objects.filter(pk__in=looked_at).order_by()
        names = {
            key: (creators, [path.split("/")[0] for path in paths])
            for key, creators, paths in rows.values_list("pk", "creators", "category_paths")
        }
        nothing: tuple[list[str], list[str]] = ([], [])
        both = [names.get(item_id, nothing) for item_id in self.ids]
        return diversify(
            self.logits,
            self.vectors,
            strength=mixing.strength,
            k=k,
            groups=([one for one, _ in both], [other for _, other in both]),
            most=(mixing.most_of_creator, mixing.most_of_category),
        )

    def _likest(self, places: Sequence[int], taste: Sequence[TasteItem]) -> list[TasteItem | None]:
        """The one of the taste whose vector is nearest to each place's."""
        rows = self.model.vocabulary.rows(str(item.item_id) for item in taste)
        known = [item for item, row in zip(taste, rows.tolist(), strict=True) if row]
        if not known or not places:
            return [None] * len(places)
        table = self.model.facts.items.vectors[rows[rows > 0]]
        cosines = self.vectors[list(places)] @ table.T
        return [known[int(best)] for best in cosines.argmax(axis=1)]

    def _reason(self, place: int, told: Mapping[str, float], seed: TasteItem | None) -> "Reason":
        values = dict(zip(NAMES_OF_ALL, self.features[place].tolist(), strict=True))
        speaks = {name: share for name, share in told.items() if share >= LEAST_REASON}
        if not self.question.given[0, 0]:
            # A title that stands in for words was typed by nobody.
            speaks.pop("words", None)
        group = max(speaks, key=speaks.__getitem__, default="")
        if group in ("taste", "fit") and values["wanted_before"] > 0:
            return Reason(group="again")
        if group in ("taste", "fit") and seed is not None:
            return Reason(group="taste", seed=seed)
        if group == "quality":
            return Reason(group=f"quality:{max(QUALITIES, key=values.__getitem__)}")
        return Reason(group=group if group in PLAIN else "fit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """What the ranker used most for a place.

    `seed`: the item of the taste that it is like. `explanation`: by group of features how much of
    the log-odds it is the reason of, and the chance of being chosen.
    """

    group: str
    seed: TasteItem | None = None
    explanation: Mapping[str, float] = field(default_factory=dict)


PLAIN = {
    "again": "You chose it before",
    "words": "Its words and meaning match what you typed",
    "source": "Chosen by people who chose this one",
    "fit": "A good fit",
    # Nothing raised its odds: it is there because the index gave it.
    "": "Among what is nearest",
    "quality:popularity": "Many people chose it",
    "quality:recent": "Chosen by many of late",
    "quality:rating": "Well rated",
    "quality:freshness": "New",
}


def sentence(reason: Reason, titles: Mapping[int, str]) -> str:
    """The reason in words; `titles` of the items that it may name."""
    if reason.seed is None:
        return PLAIN[reason.group]
    title = titles.get(reason.seed.item_id, "something that is gone")
    return f"Because you {reason.seed.verb} {title}"


def rank(version: ModelVersion, model: ServedUnified, ask: UnifiedAsk) -> Ranking:
    """Retrieve from the one index, read the features, rank."""
    clock = _Clock()
    question = model.question(live_request(model, ask))
    clock.tick("query_tower")
    asked, count = index_query(version, model, question, surface=ask.surface, item_id=ask.item_id)
    found = (
        []
        if ask.only_also
        else best_items(version, asked, k=count, filters=ask.filters, exclude=ask.excluded)
    )
    clock.tick("index")
    ids = list(dict.fromkeys([*(item_id for item_id, _ in found), *ask.also]))
    rows = model.vocabulary.rows(map(str, ids))
    side = _side(version, model, ids, rows)
    products = with_quality(side.vectors, side.quality) @ asked
    fits = dict(zip(ids, map(float, products), strict=True))
    clock.tick("candidates")
    logits, features = model.logits(
        question,
        Candidates(
            rows=rows[None],
            side=ItemSide(
                vectors=side.vectors[None], text=side.text[None], graph=side.graph[None],
                quality=side.quality[None], person=side.person[None],
            ),
        ),
    )  # fmt: skip
    # Equal ones in an order that says nothing of their keys.
    order = np.lexsort((_lots(ids), -logits))
    clock.tick("ranker")
    return Ranking(
        version=version,
        model=model,
        question=question,
        ids=tuple(ids[place] for place in order.tolist()),
        logits=logits[order],
        features=features[order],
        asked=asked,
        fits=fits,
        vectors=side.vectors[order],
        rows=rows[order],
        stages=clock.milliseconds,
    )


def live_request(model: ServedUnified, ask: UnifiedAsk) -> LiveRequest:
    """The request with its vectors."""
    history = history_rows(ask.history, model.vocabulary)
    searches = searches_of(ask.viewer, as_of=ask.at)
    rows = model.vocabulary.rows(str(one.item_id) for one in searches)
    text = normal(ask.text)
    newest = [normal(one.query) for one in searches[-model.asked :]]
    title = ""
    source = 0
    if ask.item_id is not None:
        source = int(model.vocabulary.rows([str(ask.item_id)])[0])
    if ask.item_id is not None and model.reads_title(ask.surface, source):
        title = Item.objects.filter(pk=ask.item_id).values_list("title", flat=True).first() or ""
    size = model.facts.items.text.shape[1]
    nothing = np.zeros(size, np.float32)
    return LiveRequest(
        task=TASKS[ask.surface],
        day=(ask.at or timezone.now()).timestamp() / SECONDS_A_DAY,
        text=text,
        text_vector=embeddings.query_vector(text) if text else nothing,
        source=source,
        title=title,
        title_vector=embeddings.query_vector(title) if title else None,
        history=history,
        searches=[(one.query, int(row)) for one, row in zip(searches, rows, strict=True)],
        search_vectors=(
            np.stack([embeddings.query_vector(words) for words in newest]) if newest else None
        ),
        is_person=not ask.viewer.is_nobody or bool(len(history.items)),
    )


def _side(version: ModelVersion, model: ServedUnified, ids: list[int], rows: Ints) -> ItemSide:
    """The candidates as features read them; those that are younger than the version are read."""
    side = model.facts.items.take(rows)
    new = np.flatnonzero(rows == 0).tolist()
    if not new:
        return side
    keys = [ids[place] for place in new]
    stored = vectors_of(version, keys)
    text = content_vectors(keys, versions={ContentVersion.TEXT: text_version(model)})
    side.person[new] = model.person_side(text[ContentVersion.TEXT])
    for place, key, words in zip(new, keys, text[ContentVersion.TEXT], strict=True):
        side.text[place] = words
        if key in stored:
            side.vectors[place], side.quality[place] = model.parted(stored[key])
    return side


class _Clock:
    """Milliseconds between ticks."""

    def __init__(self) -> None:
        self.milliseconds: dict[str, float] = {}
        self._at = time.perf_counter()

    def tick(self, name: str) -> None:
        now = time.perf_counter()
        self.milliseconds[name] = round((now - self._at) * 1000, 3)
        self._at = now


def _lots(ids: list[int]) -> npt.NDArray[np.uint64]:
    return np.array(ids, np.uint64) * np.uint64(GOLDEN)
