"""Answers: what was asked and what was shown, one row for each `query_id`."""

import uuid

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q


class Answer(models.Model):
    """One answer of search or of recommend, kept so that events can be joined to what was seen."""

    class Kind(models.TextChoices):
        SEARCH = "search", "search"
        RECOMMEND = "recommend", "recommend"

    query_id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    time = models.DateTimeField()
    kind = models.CharField(max_length=10, choices=Kind.choices)
    surface = models.CharField(max_length=40)
    person = models.ForeignKey(
        "catalog.Person", null=True, on_delete=models.SET_NULL, related_name="answers"
    )
    anonymous_id = models.CharField(max_length=100, blank=True)
    session_id = models.CharField(max_length=100, blank=True)
    query = models.CharField(max_length=500, blank=True)
    # Lower-cased, unaccented, one space between words: what is counted.
    normalized_query = models.CharField(max_length=500, blank=True)
    corrected_query = models.CharField(max_length=500, blank=True)
    # The query recommendation this query was picked from: its source ("rule", "log"), or "".
    picked_from = models.CharField(max_length=40, blank=True)
    # True while the visitor is still typing: such a query is a prefix until proven finished.
    is_typing = models.BooleanField(default=False)
    filters = models.JSONField(default=dict)
    # Key of the item that the answer hangs below; not a reference, so that the log outlives it.
    about_item = models.BigIntegerField(null=True)
    page = models.PositiveIntegerField(default=1)
    total = models.PositiveIntegerField()
    # [{"item": id, "position": 1, "source": "...", "score": 0.5}, ...]
    hits = models.JSONField(default=list)
    # What the match filter left out, or would have (mode "shadow"), of the first page's set:
    # [{"item": id, "score": chance of a bad match, "mode": "on", "by": version}, ...]
    dropped = models.JSONField(default=list, db_default=[])
    # [{"text": "...", "source": "..."}, ...]
    query_recommendations = models.JSONField(default=list)
    # Name of the version of the user model behind the hits, or "": then `fallback` says why.
    model_version = models.CharField(max_length=100, blank=True, default="", db_default="")
    fallback = models.CharField(max_length=40, blank=True, default="", db_default="")
    # Milliseconds by stage: {"encode": 4.1, ...}
    stages = models.JSONField(default=dict)
    latency_ms = models.FloatField(default=0)

    class Meta:
        indexes = [
            # The log by time (admin) and its pruning: append-only, so BRIN fits.
            BrinIndex(fields=["time"], name="answer_time_brin", autosummarize=True),
            models.Index(fields=["-time"], name="answer_recent"),
            # Counting what people searched (search.query_sources.log).
            models.Index(
                fields=["normalized_query", "time"],
                name="answer_normalized",
                condition=Q(kind="search") & ~Q(normalized_query=""),
            ),
            # Own recent searches.
            models.Index(
                fields=["person", "-time"], name="answer_person", condition=Q(person__isnull=False)
            ),
            models.Index(
                fields=["anonymous_id", "-time"],
                name="answer_anonymous",
                condition=~Q(anonymous_id=""),
            ),
            # The "no results" report.
            models.Index(
                fields=["-time", "normalized_query"],
                name="answer_nothing_found",
                condition=Q(kind="search", total=0),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.query or self.surface} at {self.time:%Y-%m-%d %H:%M}"
