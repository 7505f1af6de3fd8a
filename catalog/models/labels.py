"""Labels: what people, models and LLMs said about how well an item fits."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from catalog.models.items import Item


class Label(models.Model):
    """A grade from 0 (bad) to 3 (perfect): of an item for a query, or of an item for a person."""

    class Kind(models.TextChoices):
        RELEVANCE = "relevance", "relevance to a query"
        FIT = "fit", "fit to a person"

    class Source(models.TextChoices):
        HUMAN = "human", "human"
        LLM = "llm", "LLM"
        MODEL = "model", "model"
        # The last word on a pair whose judges disagreed: one, whoever gave it.
        FINAL = "final", "adjudicated"

    kind = models.CharField(max_length=10, choices=Kind.choices)
    query = models.CharField(max_length=500, blank=True)
    person = models.ForeignKey(
        "catalog.Person", null=True, blank=True, on_delete=models.CASCADE, related_name="labels"
    )
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="labels")
    grade = models.PositiveSmallIntegerField(
        choices=[(0, "0 bad"), (1, "1 fair"), (2, "2 good"), (3, "3 perfect")]
    )
    source = models.CharField(max_length=10, choices=Source.choices, default=Source.HUMAN)
    # Who: an account of this site, or the name a caller gives its judge or model.
    labeller = models.CharField(max_length=100)
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    note = models.TextField(blank=True)
    # By which guideline and of which text of the item it was given: where either is another now,
    # the label is stale. Empty on what was imported without.
    guideline = models.CharField(max_length=20, blank=True, db_default="")
    content_hash = models.CharField(max_length=64, blank=True, db_default="")
    # Chance with which the pair was drawn to be judged; none where somebody picked it.
    propensity = models.FloatField(null=True, blank=True)
    # Of a model, 0 to 1, as it says itself; and its row in the ledger of calls.
    confidence = models.FloatField(null=True, blank=True)
    call = models.BigIntegerField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(grade__lte=3), name="label_grade_0_to_3"),
            models.CheckConstraint(
                condition=Q(kind="relevance", person__isnull=True) & ~Q(query="")
                | Q(kind="fit", person__isnull=False, query=""),
                name="label_names_query_or_person",
            ),
            # One grade by one labeller: a second one replaces the first.
            models.UniqueConstraint(
                fields=["query", "item", "source", "labeller"],
                condition=Q(kind="relevance"),
                name="label_relevance_once",
            ),
            models.UniqueConstraint(
                fields=["person", "item", "source", "labeller"],
                condition=Q(kind="fit"),
                name="label_fit_once",
            ),
        ]
        indexes = [models.Index(fields=["-created_at"], name="label_created")]

    def __str__(self) -> str:
        return f"{self.query or self.person}: {self.item} = {self.grade}"
