"""The tables of benchmarks.serving: imported once Django is ready."""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt

from catalog.models import Event
from catalog.types import Viewer
from recs import registry
from recs.content import content_vectors
from recs.history import read_history
from recs.ml.evidence import unit
from recs.ml.served_evidence import Proposals, content_cosines
from recs.recommend import RecommendRequest, recommend
from recs.recommenders.base import Ask
from recs.recommenders.user_model import Picker, picker_of, vectors
from recs.user_models import KIND, contents_of, live_model

K = 10
Floats = npt.NDArray[np.float32]


def report(people: int) -> None:
    """Print both tables for so many people, spread over all that have events."""
    viewers = _viewers(people)
    version, _ = live_model()
    print(f"{version}: {len(viewers)} people, index recall@10 {version.index_recall}")
    requests = [RecommendRequest(surface="home", viewer=viewer, k=12) for viewer in viewers]
    for request in requests[:20]:
        recommend(request)
    _report_latency(requests)
    _report_lists(viewers)


def _report_latency(requests: list[RecommendRequest]) -> None:
    with_model, again, without = [], [], []
    for request in requests:
        vectors.forget()
        with_model.append(_milliseconds(lambda request=request: recommend(request)))
        again.append(_milliseconds(lambda request=request: recommend(request)))
        with _nothing_live():
            without.append(_milliseconds(lambda request=request: recommend(request)))
    print(
        "\n| home surface, one person | median ms | p95 ms | ratio of medians |\n|---|---|---|---|"
    )
    base = statistics.median(without)
    for name, times in (
        ("other sources alone", without),
        ("user model, first time", with_model),
        ("user model, vector kept", again),
    ):
        middle, tail = statistics.median(times), np.percentile(times, 95)
        print(f"| {name} | {middle:.1f} | {tail:.1f} | {middle / base:.2f} |")


def _report_lists(viewers: list[Viewer]) -> None:
    """How much of the best of the whole catalogue is in what was looked at for an answer."""
    version, model = live_model()
    keys = [int(key) for key in model.vocabulary.item_ids]
    tables = {m: unit(t) for m, t in content_vectors(keys, versions=contents_of(model)).items()}
    shares, firsts = [], []
    for viewer in viewers:
        history = read_history(viewer=viewer)
        picker = picker_of(version, model, history)
        if picker is None:
            continue
        served = picker.ranked(Ask(k=K, taste=history.taste, excluded=history.seen))[0][:K]
        best = _best_of_all(picker, tables, history.seen)
        shares.append(len(set(served) & set(best)) / max(len(best), 1))
        firsts.append(served[:1] == best[:1])
    print(
        f"\nOf the best {K} of the whole catalogue {np.mean(shares):.1%} are served; "
        f"the first is the first in {np.mean(firsts):.1%} of {len(shares)} lists."
    )


def _best_of_all(picker: Picker, tables: dict[str, Floats], seen: frozenset[int]) -> list[int]:
    """Keys of the version's best over its whole vocabulary, in memory, without an index."""
    model = picker.model
    user = model.users(picker.history)[0]
    rows = np.arange(1, len(model.vocabulary) + 1)
    rows = rows[~np.isin(rows, model.vocabulary.rows(map(str, seen)))]
    proposals = Proposals(
        rows=rows,
        scores=model.vectors(rows) @ user,
        content={
            modality: content_cosines(tables[modality][rows - 1] @ asked.T)
            for modality, (_, asked) in picker.asked().items()
        },
    )
    scores = model.scores(picker.history, user, proposals)
    return [int(key) for key in model.vocabulary.ids(rows[np.argsort(-scores)][:K])]


def _milliseconds(ask: Callable[[], object]) -> float:
    started = time.perf_counter()
    ask()
    return (time.perf_counter() - started) * 1000


@contextmanager
def _nothing_live() -> Iterator[None]:
    """As before the first version was promoted, for this process alone."""
    kept = registry.live
    registry.live = lambda kind: None if kind == KIND else kept(kind)
    try:
        yield
    finally:
        registry.live = kept


def _viewers(most: int) -> list[Viewer]:
    rows = Event.objects.filter(person_id__isnull=False).values_list("person_id", flat=True)
    people = sorted(set(rows.order_by().distinct()))
    places = np.unique(np.linspace(0, len(people) - 1, most).astype(int))
    return [Viewer(person_id=people[place]) for place in places]
