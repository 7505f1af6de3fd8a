"""The live unified version's stored vectors, and what requests of people ask its index with."""

import numpy as np
import numpy.typing as npt

from catalog.models import Event, Item
from catalog.types import Viewer
from recs import registry
from recs.errors import NoLiveVersion
from recs.history import read_history
from recs.models import ItemVector, ModelVersion
from recs.unified import UnifiedAsk, live_request
from recs.unified_index import index_query
from recs.unified_models import KIND, load_unified

Floats = npt.NDArray[np.float32]


def read_items() -> Floats:
    """(N, D + F + 1) float32, as they are stored."""
    rows = ItemVector.objects.filter(version=live_version()).order_by("item_id")
    return np.stack(
        [np.asarray(vector, np.float32) for vector in rows.values_list("vector", flat=True)]
    )


def read_asks(count: int) -> Floats:
    """(count, D + F + 1) float32: home, "more like this" and a search by a category, in turn.

    Of the people with most events; items and categories by lot.
    """
    version = live_version()
    model = load_unified(version)
    people = Event.objects.filter(person__isnull=False).values_list("person_id", flat=True)
    persons = sorted(set(people.order_by("person_id").distinct()[: count * 3]))
    items = list(Item.objects.order_by("pk").values_list("pk", "category_paths"))
    random = np.random.default_rng(0)
    found = []
    for number in range(count):
        viewer = Viewer(person_id=persons[number % len(persons)])
        key, paths = items[int(random.integers(len(items)))]
        words = paths[0].split("/")[-1] if paths else ""
        ask = (
            UnifiedAsk(surface="home", viewer=viewer, history=read_history(viewer=viewer)),
            UnifiedAsk(
                surface="similar", viewer=viewer, history=read_history(viewer=viewer), item_id=key
            ),
            UnifiedAsk(
                surface="search", viewer=viewer, history=read_history(viewer=viewer), text=words
            ),
        )[number % 3]
        question = model.question(live_request(model, ask))
        found.append(
            index_query(version, model, question, surface=ask.surface, item_id=ask.item_id)[0]
        )
    # The number that levels the stored ones counts nothing.
    return np.pad(np.stack(found), ((0, 0), (0, 1)))


def live_version() -> ModelVersion:
    """The live unified version.

    Raises:
        NoLiveVersion: where none was trained.
    """
    version = registry.live(KIND)
    if version is None:
        raise NoLiveVersion(
            "There is no live unified version: run `manage.py retrain --kind unified`."
        )
    return version
