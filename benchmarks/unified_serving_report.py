"""The table of benchmarks.unified_serving: imported once Django is ready."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from catalog.models import Event, Item
from catalog.types import Viewer
from recs import registry, surfaces
from recs.models import Surface
from recs.recommend import RecommendRequest, recommend
from recs.unified import TASKS
from recs.unified_models import KIND
from search.answer import search
from search.types import SearchRequest

ENGINES = (Surface.Engine.FIRST, Surface.Engine.UNIFIED)
WARM, BLOCK = 10, 25

Call = Callable[[int], object]


def report(requests: int) -> None:
    """Print p50 and p95 in milliseconds of each surface, without the model and with it."""
    print(f"{registry.live(KIND)}: {requests} requests of each surface and engine")
    print("| surface | engine | p50 ms | p95 ms | p95 beside the first |\n|---|---|---|---|---|")
    for surface, call in _calls().items():
        with _put_back(surface):
            times = _times(surface, call, requests)
        base = float(np.percentile(times[ENGINES[0]], 95))
        for engine in ENGINES:
            p50, p95 = np.percentile(times[engine], [50, 95])
            print(
                f"| {surface} | {engine} | {p50:.1f} | {p95:.1f} | {p95 / base:.2f} |", flush=True
            )


def _times(surface: str, call: Call, requests: int) -> dict[str, list[float]]:
    """Milliseconds by engine; the engines answer the same requests, a block of each in turn."""
    times: dict[str, list[float]] = {engine: [] for engine in ENGINES}
    blocks = [range(WARM)] + [
        range(start, min(start + BLOCK, requests)) for start in range(0, requests, BLOCK)
    ]
    for turn, numbers in enumerate(blocks):
        for engine in ENGINES:
            Surface.objects.update_or_create(key=surface, defaults={"engine": engine})
            surfaces.forget_settings()
            for number in numbers:
                began = time.perf_counter()
                call(number)
                # The first block reads what is read once.
                if turn:
                    times[engine].append(1000 * (time.perf_counter() - began))
    return times


def _calls() -> dict[str, Call]:
    """What is asked of each surface, by the number of the request: of people with events."""
    people = Event.objects.filter(person__isnull=False).order_by("person_id")
    persons = list(people.values_list("person_id", flat=True).distinct()[:200])
    items = list(Item.objects.order_by("external_id").values_list("pk", "title", "category_paths"))
    items = items[:: max(1, len(items) // 500)]

    def viewer(number: int) -> Viewer:
        return Viewer(person_id=persons[number % len(persons)])

    def words(number: int) -> str:
        """A kind, a title's last word, or both, in turn."""
        _, title, paths = items[number % len(items)]
        kind = paths[0].split("/")[-1] if paths else ""
        return (kind, title.split()[-1], f"{kind} {title.split()[-1]}")[number % 3] or title

    return {
        "search": lambda number: search(SearchRequest(query=words(number), viewer=viewer(number))),
        "home": lambda number: recommend(
            RecommendRequest(surface="home", viewer=viewer(number), k=12)
        ),
        "similar": lambda number: recommend(
            RecommendRequest(
                surface="item", viewer=viewer(number), item_id=items[number % len(items)][0], k=12
            )
        ),
    }


@contextmanager
def _put_back(surface: str) -> Iterator[None]:
    """Leave the surface's switch as it was."""
    assert surface in TASKS
    before = Surface.objects.filter(key=surface).first()
    try:
        yield
    finally:
        if before is None:
            Surface.objects.filter(key=surface).delete()
        else:
            before.save()
        surfaces.forget_settings()
