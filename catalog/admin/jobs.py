"""Jobs in the admin: what runs, how far it is, what failed and why."""

from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.db.models import Case, Count, QuerySet, Value, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AllValuesCheckboxFilter, ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from catalog.admin_base import ReadOnlyAdmin, ReadOnlyInline, bar, open_row, tell
from catalog.enqueue import enqueue_job, go_on_with_job
from catalog.jobs import STOPPABLE, ask_job
from catalog.models import Job, JobProblem

WRITE = "llm.write_queries"
WRITTEN_FOR = 200
LABEL = "llm.label_pairs"
LABELLED = 200
# By action the states in which it means something.
OFFERED = {
    "pause": (Job.State.QUEUED, Job.State.RUNNING),
    "cancel": (Job.State.QUEUED, Job.State.RUNNING, Job.State.PAUSED),
    "go_on": (Job.State.PAUSED, Job.State.FAILED),
}
# A heartbeat moves with each step; a step takes seconds.
LOST_AFTER = timedelta(minutes=5)
URGENCY = (Job.State.FAILED, Job.State.RUNNING, Job.State.QUEUED, Job.State.DONE)


class ProblemInline(ReadOnlyInline):
    """The rows of an import that could not be used."""

    model = JobProblem
    fields = ("line", "field", "reason", "excerpt")
    readonly_fields = fields
    verbose_name_plural = "rows that could not be used"


def _begin(request: HttpRequest, kind: str, **params: int) -> HttpResponse:
    job = enqueue_job(kind, kind=kind, params=params)
    messages.success(request, "The workers begin within seconds; this page says how far.")
    return open_row(job)


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    """Background work, what failed first."""

    class Media:
        js = ("js/menus.js",)

    list_display = ("kind", "state_name", "progress", "message", "problems", "created_at", "took")
    list_filter = (("state", ChoicesDropdownFilter), ("kind", AllValuesCheckboxFilter))
    search_fields = ("=kind", "message")
    actions = None
    # What a language model is asked for, in two menus.
    actions_list = (
        {
            "title": "Write",
            "icon": "edit_note",
            "items": [
                "write_queries", "write_attributes", "write_summaries", "write_synonyms",
                "write_spellings", "write_names", "write_descriptions", "write_categories",
            ],
        },
        {
            "title": "Grade",
            "icon": "thumbs_up_down",
            "items": ["label_matches", "label_fits"],
        },
    )  # fmt: skip
    actions_detail = ("go_on", "pause", "cancel")
    inlines = (ProblemInline,)
    fieldsets = (
        (None, {"fields": (("kind", "state_name"), "progress", "message", "error")}),
        ("Times", {"fields": (("created_at", "started_at"), ("heartbeat_at", "finished_at"))}),
        ("Asked for and made", {"fields": (("params", "result"),)}),
    )
    readonly_fields = ("state_name", "progress")

    def has_steer_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Who may begin and stop jobs of language models."""
        return request.user.has_perm("catalog.change_job")

    def offers(self, name: str, row: Job) -> bool:
        """What can be done with the job as it is."""
        if not row.kind.startswith(STOPPABLE):
            return False
        return row.state in OFFERED[name]

    @action(
        description="Write queries",
        icon="edit_note",
        permissions=["steer"],
        url_path="write-queries",
        dialog={
            "title": "Have a language model write queries?",
            "description": "For 200 items that have none, the less known ones first. What it "
            "writes is a proposal: you, a sample or a policy accept it. The ledger counts costs.",
            "form_submit_text": "Write queries",
        },
    )
    def write_queries(self, request: HttpRequest, form: Any) -> HttpResponse:
        """Hand it to the workers."""
        return _begin(request, WRITE, items=WRITTEN_FOR, seed=0)

    @action(
        description="Write facts of items",
        icon="new_label",
        permissions=["steer"],
        url_path="write-attributes",
        dialog={
            "title": "Have a language model state facts of items?",
            "description": "Attributes, categories and tags of 200 items that lack them, in the "
            "catalog's own values, each with the words it rests on. They wait in Proposals.",
            "form_submit_text": "Write facts",
        },
    )
    def write_attributes(self, request: HttpRequest, form: Any) -> HttpResponse:
        """Hand it to the workers."""
        return _begin(request, "llm.write_attributes", items=WRITTEN_FOR, seed=0)

    @action(
        description="Write names of kinds",
        icon="sell",
        permissions=["steer"],
        url_path="write-names",
        dialog={
            "title": "Have a language model name kinds?",
            "description": "For 40 kinds with a derived name. It takes a model that writes: the "
            "packaged one is not asked. What it writes waits in Proposals.",
            "form_submit_text": "Write names",
        },
    )
    def write_names(self, request: HttpRequest, form: Any) -> HttpResponse:
        """Hand it to the workers."""
        return _begin(request, "llm.write_names", items=40)

    @action(
        description="Write synonyms",
        icon="sync_alt",
        permissions=["steer"],
        url_path="write-synonyms",
        dialog={
            "title": "Have a language model write synonyms?",
            "description": "For 40 words of the catalog's categories. It takes a model that "
            "writes: the packaged one is not asked. What it writes waits in Proposals.",
            "form_submit_text": "Write synonyms",
        },
    )
    def write_synonyms(self, request: HttpRequest, form: Any) -> HttpResponse:
        """Hand it to the workers."""
        return _begin(request, "llm.write_synonyms", items=40)

    @action(
        description="Write summaries",
        icon="short_text",
        permissions=["steer"],
        url_path="write-summaries",
        dialog={
            "title": "Have a language model sum items up for their cards?",
            "description": "For 200 items without a summary of their text, the most wanted first. "
            "It takes a model that writes. What it writes waits in Proposals.",
            "form_submit_text": "Write summaries",
        },
    )
    def write_summaries(self, request: HttpRequest, form: Any) -> HttpResponse:
        """Hand it to the workers."""
        return _begin(request, "llm.write_summaries", items=WRITTEN_FOR)

    @action(
        description="Write spelling pairs",
        icon="spellcheck",
        permissions=["steer"],
        url_path="write-spellings",
        dialog={
            "title": "Have a language model say what mistyped words stood for?",
            "description": "For 200 words that several people searched in vain. It chooses among "
            "the catalog's words; the packaged model is not asked. Its pairs wait in Proposals.",
            "form_submit_text": "Write pairs",
        },
    )
    def write_spellings(self, request: HttpRequest, form: Any) -> HttpResponse:
        """Hand it to the workers."""
        return _begin(request, "llm.write_spellings", items=WRITTEN_FOR)

    @action(
        description="Name categories",
        icon="category",
        permissions=["steer"],
        url_path="write-categories",
        dialog={
            "title": "Have a language model name categories that do not read well?",
            "description": "For 40 categories such as “sci-fi_and_fantasy”, a name and a line. It "
            "takes a model that writes. What it writes waits in Proposals.",
            "form_submit_text": "Write names",
        },
    )
    def write_categories(self, request: HttpRequest, form: Any) -> HttpResponse:
        """Hand it to the workers."""
        return _begin(request, "llm.write_categories", items=40)

    @action(
        description="Describe kinds",
        icon="notes",
        permissions=["steer"],
        url_path="write-descriptions",
        dialog={
            "title": "Have a language model describe kinds?",
            "description": "For 40 kinds without a description, one sentence each. It takes a "
            "model that writes. What it writes waits in Proposals.",
            "form_submit_text": "Write descriptions",
        },
    )
    def write_descriptions(self, request: HttpRequest, form: Any) -> HttpResponse:
        """Hand it to the workers."""
        return _begin(request, "llm.write_descriptions", items=40)

    @action(
        description="Grade search results",
        icon="thumbs_up_down",
        permissions=["steer"],
        url_path="label-matches",
        dialog={
            "title": "Have a language model grade what searches showed?",
            "description": "200 pairs of a query and an item that it has not graded, by the "
            "guideline that people judge by. Its grades are labels; the ledger counts the cost.",
            "form_submit_text": "Grade",
        },
    )
    def label_matches(self, request: HttpRequest, form: Any) -> HttpResponse:
        """Hand it to the workers."""
        return self._label(request, "relevance")

    @action(
        description="Grade recommendations",
        icon="recommend",
        permissions=["steer"],
        url_path="label-fits",
        dialog={
            "title": "Have a language model grade what home pages showed?",
            "description": "200 pairs of a person and an item that it has not graded. Of a person "
            "it is told titles and nothing else.",
            "form_submit_text": "Grade",
        },
    )
    def label_fits(self, request: HttpRequest, form: Any) -> HttpResponse:
        """Hand it to the workers."""
        return self._label(request, "fit")

    @staticmethod
    def _label(request: HttpRequest, kind: str) -> HttpResponse:
        params = {"kind": kind, "pairs": LABELLED, "seed": 0}
        job = enqueue_job(LABEL, kind=LABEL, params=params)
        messages.success(request, "The workers begin within seconds; this page says how far.")
        return open_row(job)

    @action(
        description="Pause",
        icon="pause",
        permissions=["steer"],
        url_path="pause",
        dialog={
            "title": "Pause this job?",
            "description": "After the call in flight; it can be gone on with at any time.",
            "form_submit_text": "Pause",
        },
    )
    def pause(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """After the call in flight."""
        return self._wish(request, object_id, Job.Wish.PAUSE, "The job pauses after this call.")

    @action(
        description="Cancel",
        icon="cancel",
        permissions=["steer"],
        url_path="cancel",
        variant=ActionVariant.DANGER,
        dialog={
            "title": "Cancel this job?",
            "description": "It ends after the call in flight. What was written stays proposed.",
            "form_submit_text": "Cancel the job",
        },
    )
    def cancel(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """After the call in flight, for good."""
        return self._wish(request, object_id, Job.Wish.CANCEL, "The job ends after this call.")

    @action(
        description="Go on",
        icon="play_arrow",
        permissions=["steer"],
        url_path="go-on",
        dialog={
            "title": "Go on with this job?",
            "description": "What was answered is not asked again.",
            "form_submit_text": "Go on",
        },
    )
    def go_on(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Queue it again; what was answered is not asked again."""
        job = get_object_or_404(Job, pk=object_id)
        tell(request, lambda: f"{go_on_with_job(job_id=str(job.pk)).kind} goes on.")
        return open_row(job)

    @staticmethod
    def _wish(request: HttpRequest, object_id: str, wish: str, said: str) -> HttpResponse:
        job = get_object_or_404(Job, pk=object_id)

        def ask() -> str:
            ask_job(job_id=job.pk, wish=wish)
            return said

        tell(request, ask)
        return open_row(job)

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
            "paused": "warning",
            "cancelled": "warning",
            "stopping": "warning",
            "done": "success",
        },
    )
    def state_name(self, job: Job) -> str:
        """The state; "lost" where a running job stopped moving."""
        last = job.heartbeat_at or job.started_at
        if job.state == Job.State.RUNNING and last and timezone.now() - last > LOST_AFTER:
            return "lost"
        return "stopping" if job.state == Job.State.RUNNING and job.wish else job.state

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
