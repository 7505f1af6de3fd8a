"""Tasks run in a catalog: the one they were sent from, or, sent by the schedule, in each."""

import logging
from collections.abc import Callable
from typing import Any

from celery import Task
from celery.signals import before_task_publish

from catalog import scope

log = logging.getLogger(__name__)

# The header that names the catalog, and what the schedule says there.
HEADER = "catalog"
EVERY = "*"


@before_task_publish.connect
def name_the_catalog(headers: dict[str, Any] | None = None, **_: Any) -> None:
    """Write down, with each message, in which catalog it was sent."""
    if headers is not None:
        headers.setdefault(HEADER, scope.current())


class CatalogTask(Task):  # type: ignore[type-arg]  # it is generic in its types alone
    """The base of all tasks. One called as a function runs where its caller is."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run it in its catalog; one of the schedule is handed on to every other catalog first."""
        from catalog import directory  # models load after this file

        run: Callable[..., Any] = super().__call__
        wanted = self.request.get(HEADER)
        if wanted is None:
            return run(*args, **kwargs)
        if wanted == EVERY:
            for other in directory.ready()[1:]:
                self.apply_async(
                    args, kwargs, headers={HEADER: other}, expires=self.request.get("expires")
                )
            wanted = scope.MAIN
        # One that is being made has its tables before anything is sent from it.
        if not directory.exists(wanted):
            log.warning("%s was for the catalog %r, which is gone", self.name, wanted)
            return None
        with scope.use(wanted):
            return run(*args, **kwargs)
