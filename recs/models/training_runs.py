"""Runs of training: how far each is, its learning curve, how it ended."""

from django.db import models
from django.db.models import Q

from recs.models.model_versions import ModelVersion
from recs.querysets import TrainingRunQuerySet


class TrainingRun(models.Model):
    """One run from events to a version. Killed, the next attempt goes on with the same row.

    Writes are in recs.training_runs.
    """

    class State(models.TextChoices):
        QUEUED = "queued", "queued"
        RUNNING = "running", "running"
        DONE = "done", "done"
        FAILED = "failed", "failed"
        CANCELLED = "cancelled", "cancelled"

    kind = models.CharField(max_length=40, choices=ModelVersion.Kind.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    # What it does now, by the name of the step in recs.retrain.
    stage = models.CharField(max_length=40, blank=True)
    message = models.CharField(max_length=300, blank=True)
    done = models.BigIntegerField(default=0)
    # 0 while the amount of work is not known.
    total = models.BigIntegerField(default=0)
    # [{"epoch": 1, "loss": 7.1, "ndcg": 0.05, "seconds": 12.0}, ...]
    curve = models.JSONField(default=list, blank=True)
    # What it was asked for: a resumed run goes on with this, not with today's defaults.
    config = models.JSONField(default=dict, blank=True)
    # What each finished step left for the next ones, by the step's name.
    results = models.JSONField(default=dict, blank=True)
    version = models.ForeignKey(
        ModelVersion, on_delete=models.SET_NULL, null=True, blank=True, related_name="runs"
    )
    job = models.ForeignKey(
        "catalog.Job", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    cancel_requested = models.BooleanField(default=False)
    error = models.TextField(blank=True)
    seed = models.BigIntegerField(default=0)
    # Set when the events are read first, and kept: a resumed run reads the same ones.
    as_of = models.DateTimeField(null=True, blank=True)
    # How often it was begun: more than once where it was killed in between.
    attempts = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    # Moved with each step of progress: a running run that stopped moving has lost its worker.
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = TrainingRunQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            # What is interrupted is resumed before anything of its kind begins anew.
            models.UniqueConstraint(
                fields=["kind"],
                condition=Q(state__in=["queued", "running"]),
                name="training_run_one_open",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["queued", "running", "done", "failed", "cancelled"]),
                name="training_run_state",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["queued", "running"], finished_at__isnull=True)
                | Q(state__in=["done", "failed", "cancelled"], finished_at__isnull=False),
                name="training_run_finished_when",
            ),
        ]
        indexes = [
            # The runs, newest first (admin).
            models.Index(fields=["-created_at"], name="training_run_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.kind}, run {self.pk} ({self.state})"
