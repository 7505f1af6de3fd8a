"""Loading a demo: a whole catalog with its history, for trying Foray out."""

from collections.abc import Callable
from dataclasses import asdict

from django.apps import apps
from django.db import connection, transaction

from catalog.collections import upsert_collection
from catalog.errors import Conflict, InvalidInput
from catalog.importers import films, store
from catalog.importers.bulk import EVENT_BATCH, ITEM_BATCH, Counts, batches, copy_events, copy_items
from catalog.importers.demo_data import Demo
from catalog.importers.settle import settle_events, settle_items
from catalog.models import Event, Item, Person
from catalog.profiles import save_profile
from catalog.progress import NO_PROGRESS, Progress

DEMOS: dict[str, Callable[[], Demo]] = {"films": films.read_demo, "store": store.read_demo}
# An encoder's version says how vectors are made and not what of: it outlives a catalog.
KEPT_MODELS = {"ContentVersion"}
DERIVING_APPS = ("recs", "search")
ROW_TABLES = (
    "catalog_item",
    "catalog_collection",
    "catalog_event",
    "catalog_eventkey",
    "catalog_answer",
)


def load_demo(
    *, name: str, replace: bool = False, progress: Progress = NO_PROGRESS
) -> dict[str, object]:
    """Load a demo's items, collections, people, events and profile; what became of them.

    Loading it again changes nothing, and completes a load that was interrupted.

    Raises:
        InvalidInput: there is no demo of that name.
        Conflict: another catalog's items are there, and `replace` is not given.
        DemoMissing: the packages with the demos' data are not installed.
    """
    if name not in DEMOS:
        raise InvalidInput(
            f"There is no demo '{name}'. There are: {', '.join(DEMOS)}.", field="name"
        )
    # Told before the seconds that reading takes.
    progress.advance(0, "reading")
    demo = DEMOS[name]()
    if replace:
        remove_catalog()
    else:
        _refuse_other_catalog(demo)
    progress.set_total(len(demo.items) + len(demo.events) + len(demo.collections))
    items = _store_items(demo, progress)
    accepted = _store_events(demo, progress)
    _store_collections(demo, progress)
    settle_items()
    settle_events()
    save_profile(**demo.profile)
    return {
        "items": asdict(items),
        "events": {"accepted": accepted, "duplicate": len(demo.events) - accepted},
        "people": Person.objects.filter(is_demo=True).count(),
        "collections": len(demo.collections),
        "notes": list(demo.notes),
    }


def remove_catalog() -> None:
    """Remove every item with all that stands on it: history, labels, vectors, queries.

    Accounts, API keys, jobs and the people who are not of a demo stay.
    """
    learned = [
        model._meta.db_table
        for app in DERIVING_APPS
        for model in apps.get_app_config(app).get_models()
        if model.__name__ not in KEPT_MODELS
    ]
    with transaction.atomic(), connection.cursor() as cursor:
        # A worker may hold one of the tables for a while.
        cursor.execute("SET LOCAL statement_timeout = '5min'")
        cursor.execute(f"TRUNCATE {', '.join([*ROW_TABLES, *learned])} CASCADE")
        Person.objects.filter(is_demo=True, account__isnull=True).delete()


def _refuse_other_catalog(demo: Demo) -> None:
    """A catalog with none of the demo's items in it is another one."""
    mine = {item.external_id for item in demo.items}
    stored = Item.objects.values_list("external_id", flat=True).iterator(chunk_size=5000)
    first = next(stored, None)
    if first is None or first in mine or any(other in mine for other in stored):
        return
    raise Conflict(
        f"There is another catalog here ({Item.objects.count():,} items, "
        f"{Event.objects.count():,} events). To remove it and load the demo '{demo.name}' in its "
        f"place: manage.py demo {demo.name} --replace",
    )


def _store_items(demo: Demo, progress: Progress) -> Counts:
    counts = Counts()
    for batch in batches(demo.items, ITEM_BATCH):
        counts.add(copy_items(items=batch))
        progress.advance(len(batch), "items")
    return counts


def _store_events(demo: Demo, progress: Progress) -> int:
    accepted = 0
    for batch in batches(demo.events, EVENT_BATCH):
        accepted += copy_events(events=batch, is_demo=True).accepted
        progress.advance(len(batch), "events")
    return accepted


def _store_collections(demo: Demo, progress: Progress) -> None:
    for group in batches(demo.collections, 20):
        with transaction.atomic():
            for made in group:
                upsert_collection(
                    external_id=made.external_id,
                    title=made.title,
                    description=made.description,
                    item_ids=made.item_ids,
                )
        progress.advance(len(group), "collections")
