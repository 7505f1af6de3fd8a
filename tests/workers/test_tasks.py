import pytest

from catalog.models import Item
from recs.models import ContentEmbedding, NeighbourVersion
from search.models import Query, Term
from workers.celery import app

pytestmark = pytest.mark.django_db

NAMES = (
    "catalog.ensure_partitions",
    "catalog.prune",
    "catalog.fail_lost_jobs",
    "catalog.fill_judging_queue",
    "recs.encode_items",
    "recs.train_neighbours",
    "recs.retrain",
    "recs.go_on_training",
    "search.build_terms",
    "search.build_queries",
    "search.check_queries",
)


def test_every_task_may_run_twice_and_the_second_run_changes_nothing():
    Item.objects.create(external_id="a", title="Orbital Garden", content_hash="new")
    app.loader.import_default_modules()
    for name in NAMES:
        app.tasks[name].apply(throw=True)
    counts = [model.objects.count() for model in (ContentEmbedding, Term, Query)]
    assert counts[0] == 2, "of its text and of what is stated of it"
    assert counts[1] >= 2
    for name in NAMES:
        app.tasks[name].apply(throw=True)
    assert [model.objects.count() for model in (ContentEmbedding, Term, Query)] == counts
    assert NeighbourVersion.objects.live().count() == 1


def test_learning_runs_on_its_own_queue_and_new_items_do_not_wait_for_it():
    route = app.amqp.router.route
    assert route({}, "recs.train_neighbours")["queue"].name == "training"
    assert route({}, "recs.retrain")["queue"].name == "training"
    assert route({}, "recs.go_on_training")["queue"].name == "training"
    assert route({}, "search.build_queries")["queue"].name == "training"
    assert route({}, "recs.encode_items")["queue"].name == "default"
