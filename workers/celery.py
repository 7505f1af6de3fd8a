"""The Celery application, configured from Django's settings (CELERY_ prefix)."""

import os

from celery import Celery
from celery.signals import worker_process_init
from django.conf import settings

from workers.catalog_task import CatalogTask
from workers.schedule import SCHEDULE

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("foray", task_cls=CatalogTask)
# The current app of every thread: a web server's threads would else send to an app of their own,
# which knows nothing of our broker.
app.set_default()
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.beat_schedule = SCHEDULE
app.autodiscover_tasks(["workers"])


@worker_process_init.connect
def warm_up(**_: object) -> None:
    """Load the text encoder once for each process, so that the first new item does not wait."""
    # Imported here: models cannot be loaded before Django is set up, and this file is loaded first.
    from recs import embeddings

    if settings.WORKER_WARM_UP:
        embeddings.warm_up()
