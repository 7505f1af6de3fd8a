"""Runs of training in the admin: how far each is, its curve, how it ended; begin and cancel."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from catalog.admin_base import ReadOnlyAdmin, bar, open_row, tell
from catalog.enqueue import enqueue_job
from recs import training_runs
from recs.admin.pictures import learning_curve
from recs.models import ModelVersion, TrainingRun

TASK = "recs.retrain"
State = TrainingRun.State


@admin.register(TrainingRun)
class TrainingRunAdmin(ReadOnlyAdmin):
    """From events to a version; one at a time for each kind."""

    list_display = (
        "__str__", "state_name", "stage", "progress", "message", "version", "created_at", "took",
    )  # fmt: skip
    list_filter = (("state", ChoicesDropdownFilter), ("kind", ChoicesDropdownFilter))
    list_select_related = ("version",)
    search_fields = ("message", "error")
    ordering = ("-created_at",)
    actions = None
    actions_list = ("retrain", "retrain_unified")
    actions_detail = ("cancel",)
    fieldsets = (
        (None, {"fields": (("kind", "state_name", "version"), "progress", "stage", "message")}),
        ("What went wrong", {"fields": ("error",)}),
        ("Learning curve", {"fields": ("learning_curve",)}),
        (
            "Times",
            {
                "fields": (
                    ("created_at", "started_at"),
                    ("heartbeat_at", "finished_at"),
                    ("as_of", "attempts"),
                )
            },
        ),
        ("Asked for and found", {"fields": (("config", "seed"), "results", "job")}),
    )
    readonly_fields = ("state_name", "progress", "learning_curve")

    def has_train_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Who may change runs; by hand they are only begun and cancelled."""
        return request.user.has_perm("recs.change_trainingrun")

    def offers(self, name: str, row: TrainingRun) -> bool:
        """What is over cannot be cancelled."""
        return name != "cancel" or row.state in (State.QUEUED, State.RUNNING)

    @action(
        description="Retrain the user model",
        icon="model_training",
        permissions=["train"],
        url_path="retrain",
        variant=ActionVariant.PRIMARY,
        dialog={
            "title": "Retrain the user model now?",
            "description": "A worker learns from all events so far. What comes of it goes live by "
            "itself where the gate lets it.",
            "form_submit_text": "Retrain",
        },
    )
    def retrain(self, request: HttpRequest, form: Any) -> HttpResponse:
        """Hand it to the worker of the queue `training`."""
        return _queued(request, ModelVersion.Kind.USER_MODEL)

    @action(
        description="Retrain the unified model",
        icon="hub",
        permissions=["train"],
        url_path="retrain-unified",
        dialog={
            "title": "Retrain the unified model now?",
            "description": "A worker learns search, home and more like this from all events so "
            "far. What comes of it goes live by itself where the gate lets it.",
            "form_submit_text": "Retrain",
        },
    )
    def retrain_unified(self, request: HttpRequest, form: Any) -> HttpResponse:
        """Hand it to the worker of the queue `training`."""
        return _queued(request, ModelVersion.Kind.UNIFIED)

    @action(
        description="Cancel",
        icon="cancel",
        permissions=["train"],
        url_path="cancel",
        variant=ActionVariant.DANGER,
        dialog={
            "title": "Cancel this run?",
            "description": "It stops within seconds. What is live stays live.",
            "form_submit_text": "Cancel the run",
        },
    )
    def cancel(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Ask it to stop, or say why it cannot be."""
        run = get_object_or_404(TrainingRun, pk=object_id)

        def stop() -> str:
            training_runs.request_cancel(run=run)
            return f"{run} was asked to stop."

        tell(request, stop)
        return open_row(run)

    @display(
        description="state",
        ordering="state",
        label={
            "done": "success",
            "running": "info",
            "queued": "warning",
            "stopping": "warning",
            "interrupted": "danger",
            "failed": "danger",
        },
    )
    def state_name(self, run: TrainingRun) -> str:
        """The state; "interrupted" where no process is at it, "stopping" where it was cancelled."""
        if run.state != State.RUNNING:
            return run.state
        if not training_runs.is_at_work(run.kind):
            return "interrupted"
        return "stopping" if run.cancel_requested else run.state

    @display(description="progress")
    def progress(self, run: TrainingRun) -> SafeString:
        """How far the stage is."""
        if run.state != State.RUNNING:
            return SafeString("")
        return bar(run.done, run.total, title=run.message)

    @display(description="curve")
    def learning_curve(self, run: TrainingRun) -> SafeString:
        """Loss and validation by epoch, as far as it is."""
        return learning_curve(run.curve)

    @display(description="took")
    def took(self, run: TrainingRun) -> str:
        """From start to end, or until now."""
        if not run.started_at:
            return ""
        seconds = int(((run.finished_at or timezone.now()) - run.started_at).total_seconds())
        minutes, seconds = divmod(max(seconds, 0), 60)
        return f"{minutes} min {seconds:02d} s" if minutes else f"{seconds} s"


def _queued(request: HttpRequest, kind: ModelVersion.Kind) -> HttpResponse:
    job = enqueue_job(TASK, kind=TASK, params={"kind": kind.value})
    messages.success(request, "Training is in the queue.")
    return open_row(job)
