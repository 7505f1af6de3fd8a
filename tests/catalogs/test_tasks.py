"""Tasks: sent from a catalog they run in it, sent by the schedule they run in each."""

import time

import pytest
from celery import shared_task
from celery.contrib.testing.worker import start_worker
from celery.signals import setup_logging
from django.conf import settings
from redis import Redis

from catalog import directory, scope
from catalog.enqueue import enqueue
from catalog.models import Catalog, Item, Job
from workers import catalog_task
from workers.catalog_task import EVERY, HEADER
from workers.celery import app
from workers.schedule import SCHEDULE

pytestmark = pytest.mark.usefixtures("worlds")

seen = []


@shared_task(name="tests.look")
def look(n):
    """What the catalog's first item is called."""
    title = Item.objects.order_by("pk").values_list("title", flat=True).first()
    seen.append((n, scope.current(), title.split()[0]))


@shared_task(name="tests.hand_on")
def hand_on(n):
    """Send another task from a task."""
    look.delay(n)


def _leave_logging(**_):
    pass


@pytest.fixture
def worker():
    """A real worker on the real broker, in a thread."""
    # With somebody here a worker leaves logging, which is every other test's too, as it is.
    setup_logging.connect(_leave_logging)
    client = Redis.from_url(settings.CELERY_BROKER_URL)
    client.delete("default")
    seen.clear()
    app.loader.import_default_modules()

    def run(expected):
        # In a thread of its own: it shares neither our connection nor our catalog.
        with start_worker(app, pool="solo", perform_ping_check=False, queues=["default"]):
            until = time.monotonic() + 20
            while len(seen) < expected and time.monotonic() < until:
                time.sleep(0.05)

    yield run
    setup_logging.disconnect(_leave_logging)
    client.delete("default")


def test_a_task_runs_where_it_was_sent_from_and_so_do_the_tasks_that_it_sends(worker):
    enqueue("tests.look", n=1)
    with scope.use("store"):
        enqueue("tests.look", n=2)
        hand_on.delay(3)
    worker(expected=3)
    assert sorted(seen) == [
        (1, "main", "Mainlandia"), (2, "store", "Quartzmug"), (3, "store", "Quartzmug"),
    ]  # fmt: skip


def test_a_task_of_the_schedule_runs_in_every_catalog_once(worker):
    look.apply_async((5,), headers={HEADER: EVERY})
    worker(expected=3)
    assert sorted(seen) == [
        (5, "films", "Zephyrfilm"), (5, "main", "Mainlandia"), (5, "store", "Quartzmug"),
    ]  # fmt: skip


def test_a_task_of_a_catalog_that_is_gone_does_nothing(worker, monkeypatch):
    told = []
    monkeypatch.setattr(catalog_task.log, "warning", lambda *said: told.append(said))
    look.apply_async((6,), headers={HEADER: "gone"})
    look.apply_async((7,))
    worker(expected=1)
    assert seen == [(7, "main", "Mainlandia")]
    assert [said[-1] for said in told] == ["gone"]


def test_a_task_of_a_catalog_that_is_still_being_made_is_not_lost(worker):
    Catalog.objects.filter(name="store").update(state=Catalog.State.MAKING)
    directory.forget()
    look.apply_async((8,), headers={HEADER: "store"})
    worker(expected=1)
    assert seen == [(8, "store", "Quartzmug")]


def test_everything_of_the_schedule_is_for_every_catalog():
    assert SCHEDULE
    for entry in SCHEDULE.values():
        assert entry["options"]["headers"] == {HEADER: EVERY}


def test_a_job_of_one_catalog_is_not_anothers():
    with scope.use("store"):
        before = Job.objects.count()
        app.tasks["recs.encode_items"].apply(throw=True)
        app.tasks["catalog.prune"].apply(throw=True)
        assert Job.objects.count() > before
    assert not Job.objects.filter(kind="catalog.prune").exists()
