"""Work of a language model over many things: several at once, counted, stopped between two calls.

What was asked stands in the ledger, so a job that is run again asks only what it has not asked:
after a kill -9 the calls in flight are lost and no others.
"""

import contextvars
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

from django.db import connection

from catalog.jobs import JobProgress
from workers.llm.errors import ENDS_A_JOB, LlmError
from workers.llm.ledger import used
from workers.llm.types import Provider
from workers.models import LlmCall

T = TypeVar("T")


def work(
    things: Sequence[T],
    do: Callable[[T], Counter[str]],
    *,
    provider: Provider,
    progress: JobProgress,
) -> None:
    """Do it for each, as many at once as the provider takes; what came of it is in the result.

    Raises:
        JobStopped: somebody asked for it. What was in flight is finished first.
        LlmError: the next thing would meet the same.
    """
    progress.set_total(len(things))
    told: Counter[str] = Counter()
    began = time.monotonic()
    with ThreadPoolExecutor(max_workers=provider.concurrency) as pool:
        waiting = iter(things)
        running: set[Future[Counter[str]]] = set()
        try:
            while True:
                progress.obey()
                for thing in _next(waiting, provider.concurrency - len(running)):
                    # In a copy of this context, or it would work in another catalog.
                    running.add(pool.submit(contextvars.copy_context().run, _once, do, thing))
                if not running:
                    break
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for each in done:
                    told.update(each.result())
                    _tell(progress, told, began)
        finally:
            for each in running:
                each.cancel()


def _next(waiting: Iterator[T], count: int) -> Iterator[T]:
    for _, thing in zip(range(count), waiting, strict=False):
        yield thing


def _once(do: Callable[[T], Counter[str]], thing: T) -> Counter[str]:
    """One thing; what goes wrong with it alone is counted."""
    try:
        return do(thing)
    except ENDS_A_JOB:
        raise
    except LlmError as error:
        return Counter({error.code: 1})
    finally:
        # This thread's own connection, which nobody else would give back.
        connection.close()


def _tell(progress: JobProgress, told: Counter[str], began: float) -> None:
    """What it cost so far and how long it will take, for whoever looks at the job."""
    spent = spent_by(progress)
    progress.result.update({"came of it": dict(told), **spent})
    done = progress.job.done + 1
    left = (time.monotonic() - began) / max(1, done) * max(0, progress.job.total - done)
    progress.advance(
        message=f"{spent['tokens']:,} tokens, {spent['money']} paid, {left:.0f} s left"
    )


def spent_by(progress: JobProgress) -> dict[str, int | str]:
    """Calls, tokens and money of a job so far, from the ledger."""
    spent = used(LlmCall.objects.filter(job=progress.job))
    return {"calls": spent.calls, "tokens": spent.tokens, "money": str(spent.money)}
