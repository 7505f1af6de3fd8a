"""Running an import: batch by batch, each with its position, so that it can go on after a stop.

A batch, the rows that could not be used, and the position behind them are committed together.
So an import that is killed goes on where it was; and because every write is safe to repeat, an
import that is run again does no harm either.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, Generic, TypeVar

from django.db import (
    DatabaseError,
    DataError,
    IntegrityError,
    transaction,
)
from django.utils import timezone

from catalog.errors import Conflict, InvalidInput
from catalog.importers.bulk import batches
from catalog.importers.rows import Row, excerpt
from catalog.importers.settle import LEAST_ROWS
from catalog.jobs import JobProgress, track
from catalog.locks import only_one
from catalog.models import Job, JobProblem
from catalog.progress import NO_PROGRESS, Progress

Read = TypeVar("Read")

LOCK_SPACE = 7_140_314
MAX_PROBLEMS_KEPT = 10_000
PROBLEMS_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A row that could not be used."""

    line: int
    reason: str
    field: str = ""
    excerpt: str = ""


@dataclass(slots=True)
class Tally:
    """Rows by what became of them; `rejected` are the bad ones."""

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What an import did."""

    job_id: str
    tally: Tally
    problems: list[Problem]
    resumed_at: int = 0
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What a write did with a batch; problems are of rows that read well but cannot stand."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Import(Generic[Read]):
    """One import: where rows come from, how one is read, how a batch is written."""

    kind: str
    source: dict[str, Any]
    rows: Callable[[], Iterable[Row]]
    read: Callable[[dict[str, Any]], Read]
    write: Callable[[list[tuple[Row, Read]]], Outcome]
    # Called before the transaction of a batch, with what will be written.
    prepare: Callable[[list[Read]], None] = lambda batch: None
    # Called after the last batch of an import that wrote many rows.
    settle: Callable[[], None] = lambda: None
    total: int = 0
    batch_size: int = 2_000
    notes: Callable[[], list[str]] = list


def run_import(
    task: Import[Any],
    *,
    progress: Progress = NO_PROGRESS,
    restart: bool = False,
    job_id: str | None = None,
) -> ImportReport:
    """Run an import, or go on with one of the same source that did not come to its end.

    Raises:
        Conflict: another process imports the same source now.
    """
    with _only_one(task):
        earlier = None if restart else _unfinished(task)
        with track(kind=task.kind, params={"source": task.source}, job_id=job_id) as job_progress:
            return _Run(task, job_progress, progress, earlier).run()


class _Run:
    """The state of a running import."""

    def __init__(
        self, task: Import[Any], job: JobProgress, listener: Progress, earlier: Job | None
    ) -> None:
        self.task = task
        self.job = job
        self.listener = listener
        state = earlier.result if earlier else {}
        self.start = self.position = int(state.get("position", 0))
        self.tally = Tally(**state.get("tally", {}))
        if earlier:
            self._take_over(earlier)

    def run(self) -> ImportReport:
        task = self.task
        for listener in (self.job, self.listener):
            listener.set_total(task.total)
            listener.advance(self.start, f"going on at row {self.start + 1}" if self.start else "")
        rows = (row for n, row in enumerate(task.rows()) if n >= self.start)
        for batch in batches(rows, task.batch_size):
            self._import(batch)
        if self.tally.created + self.tally.updated >= LEAST_ROWS:
            task.settle()
        report = self._report()
        self.job.result.clear()
        self.job.result.update(
            asdict(report.tally)
            | {"notes": report.notes, "resumed_at": report.resumed_at, "source": self.task.source}
        )
        return report

    def _import(self, batch: list[Row]) -> None:
        good, problems = [], []
        for row in batch:
            read = self._read(row)
            if isinstance(read, Problem):
                problems.append(read)
            else:
                good.append((row, read))
        self.task.prepare([read for _, read in good])
        with transaction.atomic():
            # One commit for the rows, the bad rows and the position behind them.
            outcome = _write_good_ones(self.task, good)
            problems += outcome.problems
            tally = self._counted(len(batch), outcome, problems)
            state = self._state(self.position + len(batch), tally)
            self._keep(problems)
            Job.objects.filter(pk=self.job.job.pk).update(result=state)
        # In memory only once it is committed: a failing job stores what it has in memory.
        self.position += len(batch)
        self.tally = tally
        self.job.result.clear()
        self.job.result.update(state)
        for listener in (self.job, self.listener):
            listener.advance(len(batch), f"{tally.rejected:,} bad rows" if tally.rejected else "")

    def _read(self, row: Row) -> Any:
        if row.values is None:
            return Problem(line=row.line, reason=row.problem, excerpt=row.excerpt)
        try:
            return self.task.read(row.values)
        except InvalidInput as error:
            return Problem(
                line=row.line, reason=error.detail, field=error.field, excerpt=row.excerpt
            )

    def _counted(self, rows: int, outcome: Outcome, problems: list[Problem]) -> Tally:
        before = self.tally
        return Tally(
            rows=before.rows + rows,
            created=before.created + outcome.created,
            updated=before.updated + outcome.updated,
            unchanged=before.unchanged + outcome.unchanged,
            rejected=before.rejected + len(problems),
        )

    def _state(self, position: int, tally: Tally) -> dict[str, Any]:
        return {"source": self.task.source, "position": position, "tally": asdict(tally)}

    def _keep(self, problems: list[Problem]) -> None:
        room = max(MAX_PROBLEMS_KEPT - self.tally.rejected, 0)
        JobProblem.objects.bulk_create(
            [
                JobProblem(
                    job=self.job.job,
                    line=problem.line,
                    field=excerpt(problem.field)[:100],
                    reason=excerpt(problem.reason),
                    excerpt=excerpt(problem.excerpt),
                )
                for problem in sorted(problems, key=lambda problem: problem.line)[:room]
            ]
        )

    def _take_over(self, earlier: Job) -> None:
        """Go on where an earlier job stopped; its bad rows become ours."""
        state = self._state(self.position, self.tally)
        with transaction.atomic():
            if earlier.pk != self.job.job.pk:
                continued = {"continued_by": str(self.job.job.pk)}
                JobProblem.objects.filter(job=earlier).update(job=self.job.job)
                Job.objects.filter(pk=earlier.pk).update(
                    result=continued,
                    state=Job.State.FAILED,
                    error=earlier.error or "It was interrupted; another job went on with it.",
                    finished_at=earlier.finished_at or timezone.now(),
                )
            Job.objects.filter(pk=self.job.job.pk).update(result=state)
        self.job.result.update(state)

    def _report(self) -> ImportReport:
        shown = JobProblem.objects.filter(job=self.job.job)[:PROBLEMS_SHOWN]
        return ImportReport(
            job_id=str(self.job.job.pk),
            tally=self.tally,
            problems=[
                Problem(line=p.line, reason=p.reason, field=p.field, excerpt=p.excerpt)
                for p in shown
            ],
            resumed_at=self.start,
            notes=self.task.notes(),
        )


def _write_good_ones(task: Import[Any], good: list[tuple[Row, Any]]) -> Outcome:
    """Write a batch; where the database refuses it, find the rows that it refuses."""
    if not good:
        return Outcome()
    try:
        with transaction.atomic():
            return task.write(good)
    except (DataError, IntegrityError) as error:
        if len(good) == 1:
            row = good[0][0]
            return Outcome(
                problems=[Problem(line=row.line, reason=_told(error), excerpt=row.excerpt)]
            )
    half = len(good) // 2
    first, second = _write_good_ones(task, good[:half]), _write_good_ones(task, good[half:])
    return Outcome(
        created=first.created + second.created,
        updated=first.updated + second.updated,
        unchanged=first.unchanged + second.unchanged,
        problems=[*first.problems, *second.problems],
    )


def _told(error: DatabaseError) -> str:
    return f"The database refuses it: {str(error).splitlines()[0]}"


def _unfinished(task: Import[Any]) -> Job | None:
    """The newest job of the same source, where it stopped before its end."""
    newest = (
        Job.objects.filter(kind=task.kind, result__source=task.source)
        .order_by("-created_at")
        .first()
    )
    return None if newest is None or newest.state == Job.State.DONE else newest


@contextmanager
def _only_one(task: Import[Any]) -> Iterator[None]:
    """Keep a second process from importing the same source; a killed one lets go by itself."""
    with only_one(LOCK_SPACE, f"{task.kind} {task.source.get('path', '')}") as is_ours:
        if not is_ours:
            raise Conflict("The same file is being imported by another process now.")
        yield
