"""Which engine answers each surface, and how its lists are mixed: one row each, set by hand."""

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q


class Surface(models.Model):
    """Settings of one surface; where there is no row the defaults of its fields count."""

    class Key(models.TextChoices):
        SEARCH = "search", "search"
        HOME = "home", "home"
        SIMILAR = "similar", "more like this"

    class Engine(models.TextChoices):
        AUTO = "auto", "unified model, where the gate found it better"
        UNIFIED = "unified", "unified model"
        FIRST = "first", "without the unified model"

    class MatchFilter(models.TextChoices):
        OFF = "off", "off"
        SHADOW = "shadow", "shadow: says what it would leave out"
        ON = "on", "on: leaves it out"

    key = models.CharField(max_length=10, choices=Key.choices, unique=True)
    engine = models.CharField(max_length=10, choices=Engine.choices, default=Engine.AUTO)
    control_percent = models.PositiveSmallIntegerField(
        default=0,
        validators=[MaxValueValidator(100)],
        help_text="Of the viewers, drawn once and for all, who get the list without the model.",
    )
    diversity_percent = models.PositiveSmallIntegerField(
        default=0,
        validators=[MaxValueValidator(100)],
        help_text="0 leaves the order as it is; 100 looks only for what is unlike.",
    )
    most_of_creator = models.PositiveSmallIntegerField(
        default=0, help_text="Of one creator in a list; 0 for no limit."
    )
    most_of_category = models.PositiveSmallIntegerField(
        default=0, help_text="Of one category in a list; 0 for no limit."
    )
    # What the live match filter does on it, and who said so last.
    match_filter = models.CharField(
        max_length=10, choices=MatchFilter.choices, default=MatchFilter.SHADOW, db_default="shadow"
    )
    match_filter_by = models.CharField(
        max_length=150, blank=True, default="", db_default="", editable=False
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["key"]
        constraints = [
            models.CheckConstraint(
                condition=Q(key__in=["search", "home", "similar"])
                & Q(engine__in=["auto", "unified", "first"]),
                name="surface_known",
            ),
            models.CheckConstraint(
                condition=Q(control_percent__lte=100, diversity_percent__lte=100),
                name="surface_percents",
            ),
            models.CheckConstraint(
                condition=Q(match_filter__in=["off", "shadow", "on"]), name="surface_match_filter"
            ),
        ]

    def __str__(self) -> str:
        return str(self.get_key_display())


class QualityWeights(models.Model):
    """What an editor set instead of the weights of quality that a version found for itself.

    They are the constant part of each request's vector, so nothing is indexed anew. Bounds are
    those of the search that found the version's own (recs/ml/unified/quality.py).
    """

    version = models.OneToOneField(
        "recs.ModelVersion", on_delete=models.CASCADE, related_name="quality_weights"
    )
    popularity = models.FloatField(default=0.0)
    recent = models.FloatField(default=0.0)
    rating = models.FloatField(default=0.0)
    freshness = models.FloatField(default=0.0)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "quality weights"
        constraints = [
            models.CheckConstraint(
                condition=Q(popularity__gte=0, popularity__lte=0.5)
                & Q(recent__gte=0, recent__lte=0.5)
                & Q(rating__gte=0, rating__lte=0.5)
                & Q(freshness__gte=0, freshness__lte=0.5),
                name="quality_weights_bounds",
            )
        ]

    def __str__(self) -> str:
        return f"quality weights of {self.version}"
