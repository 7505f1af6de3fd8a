"""One run of a kind of writing: what waits is asked about, one by one, and counted."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TypeVar

from catalog.jobs import track
from catalog.models import Job
from search.written_queries import Origin
from workers.llm.client import Answer
from workers.llm.jobs import spent_by, work
from workers.llm.providers import provider
from workers.llm.types import Provider

T = TypeVar("T")


def write_each(
    *,
    kind: str,
    items: int,
    job_id: str | None,
    bar: bool,
    waiting: Callable[[int, Provider], Sequence[T]],
    write: Callable[[T, Provider, Job], Counter[str]],
) -> None:
    """Ask about at most so many things.

    Args:
        kind: of the job.
        items: how many; a job that stands already knows its own number.
        job_id: of that job; None begins one.
        bar: whether a terminal shows how far it is.
        waiting: what has to be asked about, at most so many, of this model.
        write: asks about one and proposes what passes; what came of it, counted.
    """
    with track(kind=kind, params={"items": items}, job_id=job_id, bar=bar) as progress:
        asked = provider()
        things = waiting(int(progress.job.params["items"]), asked)
        work(
            things, lambda thing: write(thing, asked, progress.job),
            provider=asked, progress=progress,
        )  # fmt: skip
        progress.result.update(spent_by(progress))


def origin_of(answer: Answer, *, asked: Provider, version: str, job: Job) -> Origin:
    """Where what an answer says comes from; `version`: of the prompt."""
    return Origin(
        model=asked.model, revision=asked.revision, prompt_version=version, call=answer.call.pk,
        money=answer.call.money, job=job.pk,
    )  # fmt: skip
