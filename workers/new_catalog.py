"""A catalog beside the main one, from its name to a site that answers. Safe to run again."""

from collections.abc import Sequence

from django.contrib.auth import get_user_model
from django.db import transaction

from catalog import directory, scope
from catalog.jobs import track
from catalog.models import Item, Job
from catalog.profiles import current_profile, save_profile
from catalog.schemas import make_schema
from workers.first_run import catalog_steps, migrate

Account = dict[str, object]


def make_catalog(
    *, name: str, demo: str = "none", job_id: str | None = None, bar: bool = False
) -> None:
    """Make what a registered catalog lacks, and let requests reach it.

    Its administrators are those of the main catalog, with the passwords that they have there now.

    Args:
        name: of a catalog in the directory.
        demo: "films", "store" or "none".
        job_id: the queued job that this is.
        bar: show progress on the terminal.
    """
    with track(
        kind="catalog.make_catalog", params={"name": name, "demo": demo}, job_id=job_id, bar=bar
    ) as progress:
        steps = catalog_steps(demo=demo, bar=bar)
        progress.set_total(len(steps) + 2)
        administrators = _administrators()
        make_schema(name)
        progress.advance(message="schema")
        with scope.use(name):
            migrate()
            _give(administrators)
            _name_it(name)
        progress.advance(message="tables")
        for step, run in steps:
            # The job's row is the main catalog's, and what a step does is not.
            with scope.use(name):
                run()
            progress.advance(message=step)
        directory.mark_ready(name)


def make_queued(*, job_id: str) -> None:
    """The same for a job that waits, whose params say what is wanted."""
    params = Job.objects.get(pk=job_id).params
    make_catalog(name=params["name"], demo=params.get("demo", "none"), job_id=job_id)


def _administrators() -> list[Account]:
    fields = ("username", "email", "first_name", "last_name", "password")
    return list(get_user_model().objects.filter(is_superuser=True, is_active=True).values(*fields))


def _give(administrators: Sequence[Account]) -> None:
    users = get_user_model()._default_manager
    if users.exists():
        return
    with transaction.atomic():
        for account in administrators:
            users.create(**account, is_superuser=True, is_staff=True)


def _name_it(name: str) -> None:
    """Until an editor or a demo calls it something better."""
    if not Item.objects.exists() and current_profile().name == "Foray":
        save_profile(name=name.capitalize())
