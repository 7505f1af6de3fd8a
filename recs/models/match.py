"""Evaluation sets of the match filter: pairs that people judged twice, frozen by their hash."""

from django.db import models
from django.db.models import Q


class FrozenLabels(models.Model):
    """Pairs that nothing learns from: neither they nor their queries, people or items."""

    kind = models.CharField(
        max_length=10, choices=[("relevance", "relevance to a query"), ("fit", "fit to a person")]
    )
    # Of the file that was written: the same pairs in the same order have the same.
    sha256 = models.CharField(max_length=64, unique=True)
    # [{"query": ..., "person": external ID, "item": external ID, "grade": mean, "sure": true}, ...]
    pairs = models.JSONField(default=list)
    # What the two who judged agreed on: {"pairs": n, "kappa": 0.7, ...}, and who they were.
    agreement = models.JSONField(default=dict)
    # The last ladder that was run on it: rows of labellers.
    ladder = models.JSONField(default=list, blank=True)
    ladder_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "evaluation set"
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=["relevance", "fit"]), name="frozen_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.sha256[:12]}"
