"""From an empty database to a site that answers, in steps that are skipped once they are done."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from catalog import directory, maintenance, scope
from catalog.enqueue import enqueue_job
from catalog.importers.demos import load_demo
from catalog.jobs import track
from catalog.models import Event, Item, Job
from recs.models import ModelVersion, TrainingRun
from recs.pipeline import first_models
from search.pipeline import first_queries
from search.shipped_samples import load_shipped
from workers.static_files import collect_static

ADMIN_NAME = "admin"
TRAINING_TASK = "recs.retrain"
WRITING_TASK = "llm.write_queries"
FIRST_WRITTEN = 200
SAMPLE_OF_FILMS = "written_films.tsv"
# The unified model first: it takes less time and answers on every surface.
FIRST_TRAINED = (ModelVersion.Kind.UNIFIED, ModelVersion.Kind.USER_MODEL)
Step = tuple[str, Callable[[], None]]


def steps(*, demo: str) -> Iterator[Step]:
    """Name and function of each step, in order. `demo` is "films", "store" or "none"."""
    yield "Database tables", migrate_all
    yield "Static files", collect_static
    yield "Administrator", ensure_administrator
    yield from catalog_steps(demo=demo)


def catalog_steps(*, demo: str, bar: bool = True) -> list[Step]:
    """What a catalog needs once it has its tables, the main one as any other."""
    steps: list[Step] = [("Event partitions", lambda: _ignore(maintenance.ensure_partitions()))]
    if demo != "none":
        steps.append((f"Demo catalog ({demo})", lambda: ensure_demo(demo, bar=bar)))
    steps.append(("Vectors, index and neighbours", lambda: first_models(bar=bar)))
    steps.append(("Words and queries", lambda: first_queries(bar=bar)))
    # Before the training, which keeps the same workers busy for half an hour.
    if demo == "films":
        steps.append(("First written queries, in the background", ensure_written))
    if demo != "none":
        steps.append(("First training, in the background", ensure_training))
    return steps


def migrate_all() -> None:
    """Apply the migrations that are missing, in every catalog that stands."""
    migrate()
    for name in directory.ready()[1:]:
        with scope.use(name):
            migrate()


def migrate() -> None:
    """Apply the migrations that are missing in this catalog."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", interactive=False, verbosity=0)


def ensure_demo(name: str, *, bar: bool = True) -> None:
    """Load the demo into an empty catalog, or go on with a load that was interrupted."""
    marker = demo_marker()
    if marker.exists() or (Item.objects.exists() and not demo_started().exists()):
        return
    demo_started().touch()
    with track(kind="catalog.demo", params={"name": name}, bar=bar) as progress:
        load_demo(name=name, progress=progress)
    demo_started().rename(marker)


def ensure_training() -> None:
    """Have each model trained where there was never one: the site answers without them meanwhile.

    A catalog of one's own is first trained by the schedule, or by `manage.py retrain`.
    """
    if not Event.objects.positive().exists():
        return
    queued = set(Job.objects.filter(kind=TRAINING_TASK).values_list("params__kind", flat=True))
    for kind in FIRST_TRAINED:
        if kind in queued or TrainingRun.objects.filter(kind=kind).exists():
            continue
        enqueue_job(TRAINING_TASK, kind=TRAINING_TASK, params={"kind": kind.value})


def ensure_written() -> None:
    """Have the language model write for the demo, and let the sample that came with it count."""
    load_shipped(SAMPLE_OF_FILMS)
    if Item.objects.exists() and not Job.objects.filter(kind=WRITING_TASK).exists():
        enqueue_job(WRITING_TASK, kind=WRITING_TASK, params={"items": FIRST_WRITTEN, "seed": 0})


def demo_marker() -> Path:
    """File that says the demo was loaded once: a catalog emptied on purpose stays empty."""
    return _home() / "demo_loaded"


def demo_started() -> Path:
    """File that says a demo load began and did not end."""
    return _home() / "demo_started"


def ensure_administrator() -> None:
    """Create an administrator with a random password, kept in the home, where there is none."""
    users = get_user_model().objects
    if not settings.FORAY_EMBEDDED or users.filter(is_superuser=True).exists():
        return
    password = secrets.token_urlsafe(12)
    path = password_file()
    path.touch(mode=0o600)
    path.write_text(password + "\n", encoding="utf-8")
    users.create_superuser(username=ADMIN_NAME, email="", password=password)


def password_file() -> Path:
    """Where the first administrator's password is kept."""
    return Path(settings.FORAY_HOME) / "admin_password"


def _home() -> Path:
    place = scope.folder(settings.FORAY_HOME)
    place.mkdir(parents=True, exist_ok=True)
    return place


def _ignore(_: object) -> None:
    return None
