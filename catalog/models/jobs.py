"""Jobs: work that runs later or long, as rows with state, progress and error."""

import uuid

from django.db import models


class Job(models.Model):
    """One run of background work."""

    class State(models.TextChoices):
        QUEUED = "queued", "queued"
        RUNNING = "running", "running"
        DONE = "done", "done"
        FAILED = "failed", "failed"
        PAUSED = "paused", "paused"
        CANCELLED = "cancelled", "cancelled"

    class Wish(models.TextChoices):
        NONE = "", "none"
        PAUSE = "pause", "pause"
        CANCEL = "cancel", "cancel"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    kind = models.CharField(max_length=60)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    done = models.BigIntegerField(default=0)
    # 0 while the amount of work is not known.
    total = models.BigIntegerField(default=0)
    message = models.CharField(max_length=300, blank=True)
    # What somebody asked of it while it runs; jobs that can stop look at it between their steps.
    wish = models.CharField(max_length=10, choices=Wish.choices, blank=True, db_default="")
    error = models.TextField(blank=True)
    params = models.JSONField(default=dict)
    result = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    # Moved with each step of progress: a running job that stopped moving has lost its worker.
    heartbeat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["-created_at"], name="job_created"),
            models.Index(fields=["kind", "state"], name="job_kind_state"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} ({self.state})"


class JobProblem(models.Model):
    """One row of an import that could not be used: where it stands and why."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="problems")
    line = models.BigIntegerField()
    field = models.CharField(max_length=100, blank=True)
    reason = models.CharField(max_length=500)
    excerpt = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["line", "id"]

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"
