"""Jobs in the admin: what runs, how far it is, what failed and why."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Case, Count, QuerySet, Value, When
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AllValuesCheckboxFilter, ChoicesDropdownFilter
from unfold.decorators import display

from catalog.admin_base import ReadOnlyAdmin, ReadOnlyInline, bar
from catalog.models import Job, JobProblem

# A heartbeat moves with each step; a step takes seconds.
LOST_AFTER = timedelta(minutes=5)
URGENCY = (Job.State.FAILED, Job.State.RUNNING, Job.State.QUEUED, Job.State.DONE)


class ProblemInline(ReadOnlyInline):
    """The rows of an import that could not be used."""

    model = JobProblem
    fields = ("line", "field", "reason", "excerpt")
    readonly_fields = fields
    verbose_name_plural = "rows that could not be used"


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    """Background work, what failed first."""

    list_display = ("kind", "state_name", "progress", "message", "problems", "created_at", "took")
    list_filter = (("state", ChoicesDropdownFilter), ("kind", AllValuesCheckboxFilter))
    search_fields = ("=kind", "message")
    actions = None
    inlines = (ProblemInline,)
    fieldsets = (
        (None, {"fields": (("kind", "state_name"), "progress", "message", "error")}),
        ("Times", {"fields": (("created_at", "started_at"), ("heartbeat_at", "finished_at"))}),
        ("Asked for and made", {"fields": (("params", "result"),)}),
    )
    readonly_fields = ("state_name", "progress")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Job]:
        """With the number of rows that could not be used."""
        return super().get_queryset(request).annotate(problem_count=Count("problems"))

    def get_ordering(self, request: HttpRequest) -> tuple[Any, ...]:
        """Failed ones first, then what runs and waits, the newest of each first."""
        ranks = (When(state=state, then=Value(rank)) for rank, state in enumerate(URGENCY))
        return (Case(*ranks, default=Value(len(URGENCY))), "-created_at")

    @display(
        description="state",
        ordering="state",
        label={
            "failed": "danger",
            "lost": "danger",
            "running": "info",
            "queued": "warning",
            "done": "success",
        },
    )
    def state_name(self, job: Job) -> str:
        """The state; "lost" where a running job stopped moving."""
        last = job.heartbeat_at or job.started_at
        if job.state == Job.State.RUNNING and last and timezone.now() - last > LOST_AFTER:
            return "lost"
        return job.state

    @display(description="progress")
    def progress(self, job: Job) -> SafeString:
        """A bar with its numbers."""
        return bar(job.done, job.total, title=job.message)

    @display(description="problems", ordering="problem_count")
    def problems(self, job: Any) -> str:
        """How many rows could not be used."""
        return f"{job.problem_count:,}" if job.problem_count else ""

    @display(description="took")
    def took(self, job: Job) -> str:
        """From start to end, or until now."""
        if not job.started_at:
            return ""
        seconds = int(((job.finished_at or timezone.now()) - job.started_at).total_seconds())
        minutes, seconds = divmod(max(seconds, 0), 60)
        return f"{minutes} min {seconds:02d} s" if minutes else f"{seconds} s"
