"""The ways to choose candidates below an item, and their table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import numpy.typing as npt

from benchmarks.unified_asks import live_version
from catalog.models import Item, Person
from catalog.types import Viewer
from recs.content import live_versions
from recs.features import SECONDS_A_DAY
from recs.history import History, TasteItem, read_history
from recs.ml.unified.joint_benchmark import requests_between
from recs.ml.unified.judged import Judged, ndcg_of, sample
from recs.ml.unified.prepared import Prepared, PreparedConfig, prepare
from recs.ml.unified.surfaces import SIMILAR
from recs.models import ModelVersion, TrainingRun
from recs.recommenders.base import Ask
from recs.recommenders.content import similar
from recs.unified import UnifiedAsk, live_request, ranking_of
from recs.unified_data import read_data
from recs.unified_gate import ask_of, liked_then
from recs.unified_index import index_query
from recs.unified_models import load_unified
from recs.unified_source import liked_by_the_same
from recs.vector_index import best_items

Ints = npt.NDArray[np.int64]
Way = Callable[["Below"], Sequence[int]]

DRAWS = 1_000
SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Below:
    """One request below an item; `liked`: so many of what people wanted with it, best first."""

    version: ModelVersion
    ask: UnifiedAsk
    liked: Callable[[int], Sequence[int]]

    def of_index(self, count: int, *, as_stranger: bool = False) -> list[int]:
        """The nearest to the request of its person, or of a stranger."""
        model = load_unified(self.version)
        ask = replace(self.ask, viewer=Viewer(), history=History()) if as_stranger else self.ask
        question = model.question(live_request(model, ask))
        # As of any other surface: not by the item's own vector.
        vector, _ = index_query(self.version, model, question, surface="home", item_id=None)
        return self._nearest(vector, count or model.candidates)

    def of_item(self, count: int) -> list[int]:
        """The nearest to the item's own vector."""
        model = load_unified(self.version)
        question = model.question(live_request(model, self.ask))
        vector, _ = index_query(
            self.version, model, question, surface="similar", item_id=self.ask.item_id
        )
        return self._nearest(vector, count)

    def in_meaning(self, count: int) -> list[int]:
        """The nearest in meaning."""
        assert self.ask.item_id is not None
        taste = (TasteItem(item_id=self.ask.item_id, weight=1.0),)
        about_it = Ask(k=count, taste=taste, excluded=frozenset(self.ask.excluded))
        return [one.item_id for one in similar(about_it)]

    def _nearest(self, vector: npt.NDArray[np.float32], count: int) -> list[int]:
        found = best_items(self.version, vector, k=count, exclude=self.ask.excluded)
        return [item_id for item_id, _ in found]


WAYS: Mapping[str, Way] = {
    "all candidates of the index for person and item": lambda one: one.of_index(0),
    "20 of the index, asked as by a stranger": lambda one: one.of_index(20, as_stranger=True),
    "12 nearest to the item's own vector": lambda one: one.of_item(12),
    "24 nearest": lambda one: one.of_item(24),
    "12 liked by the same people, 6 near in meaning": lambda one: [
        *one.liked(12),
        *one.in_meaning(6),
    ],
    "12 nearest, 12 liked (as it is served)": lambda one: [*one.of_item(12), *one.liked(12)],
    "24 nearest, 24 liked": lambda one: [*one.of_item(24), *one.liked(24)],
}


def report() -> None:
    """Each way over the requests of the gate."""
    version, prepared, judged = _gate()
    found = {
        name: np.stack(
            [_answer(way, _then(version, prepared, judged, row), prepared)
             for row in range(len(judged))]
        )
        for name, way in WAYS.items()
    }  # fmt: skip
    values = {name: ndcg_of(rows, judged, 10) for name, rows in found.items()}
    persons = judged.requests.persons
    people = np.unique(persons)
    print(f"{version.name}: {len(judged)} requests of {len(people)} people")
    print(
        "| candidates | NDCG@10 by person | to the first (90 %) | by request |\n|---|---|---|---|"
    )
    first = next(iter(values.values()))
    draws = np.random.default_rng(0).integers(0, len(people), (DRAWS, len(people)))
    for name, one in values.items():
        by_person = np.array([one[persons == who].mean() for who in people])
        apart = np.array([(one - first)[persons == who].mean() for who in people])
        low, high = np.quantile(apart[draws].mean(axis=1), (0.05, 0.95))
        print(
            f"| {name} | {by_person.mean():.4f} | {apart.mean():+.4f} ({low:+.4f} to {high:+.4f})"
            f" | {one.mean():.4f} |"
        )


def show(items: Sequence[str], people: Sequence[str]) -> None:
    """The first of each list of today."""
    version = live_version()
    for item in Item.objects.filter(external_id__in=items):
        print(f"\n{item.title}")
        for person in Person.objects.filter(external_id__in=people):
            viewer = Viewer(person_id=person.pk)
            ask = UnifiedAsk(
                surface="similar", viewer=viewer, history=read_history(viewer=viewer),
                item_id=item.pk, excluded=frozenset({item.pk}),
            )  # fmt: skip

            def liked(count: int, ask: UnifiedAsk = ask, key: int = item.pk) -> Sequence[int]:
                return liked_by_the_same(key, Ask(k=count, excluded=frozenset(ask.excluded)))

            below = Below(version=version, ask=ask, liked=liked)
            for name, way in WAYS.items():
                first = _ranked(way, below)[:SHOWN]
                titles = dict(Item.objects.filter(pk__in=first).values_list("pk", "title"))
                told = "; ".join(titles[key] for key in first)
                print(f"  {person.external_id}, {name}: {told}")


def _then(version: ModelVersion, prepared: Prepared, judged: Judged, row: int) -> Below:
    ask = ask_of(prepared, judged, row)
    request = judged.requests.select(np.array([row]))

    def liked(count: int) -> Sequence[int]:
        return liked_then(prepared, request, ask.excluded, count)

    return Below(version=version, ask=ask, liked=liked)


def _ranked(way: Way, below: Below) -> Sequence[int]:
    ids = list(dict.fromkeys(way(below)))
    return ranking_of(below.version, replace(below.ask, also=ids, only_also=True)).ids


def _answer(way: Way, below: Below, prepared: Prepared) -> Ints:
    """(10,) rows of the log's items."""
    rows = prepared.data.vocabulary.rows(map(str, _ranked(way, below)[:10]))
    return np.concatenate([rows, np.zeros(10 - len(rows), np.int64)])


def _gate() -> tuple[ModelVersion, Prepared, Judged]:
    """The live version, what was known when it was judged, and the requests below an item."""
    version = live_version()
    run = TrainingRun.objects.get(version=version)
    assert run.as_of is not None
    known = read_data(
        as_of=run.as_of, vocabulary=load_unified(version).vocabulary,
        version=live_versions()["text"], seed=run.seed,
    )  # fmt: skip
    end = datetime.fromisoformat(run.results["read"]["cut"]).timestamp() / SECONDS_A_DAY
    asked = int(version.config["asked"])
    judged = sample(requests_between(known.data, end, np.inf), asked, seed=run.seed)
    prepared = prepare(known.data, known.texts, end, PreparedConfig(seed=run.seed))
    return version, prepared, judged.select(np.flatnonzero(judged.requests.tasks == SIMILAR))
