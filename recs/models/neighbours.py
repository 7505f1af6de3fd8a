"""Neighbours by behaviour and popularity, of one computation each."""

from django.db import models
from django.db.models import Q

from recs.querysets import VersionQuerySet


class NeighbourVersion(models.Model):
    """One computation of neighbours and popularity from the events before `as_of`."""

    as_of = models.DateTimeField()
    config = models.JSONField(default=dict)
    events = models.PositiveBigIntegerField(default=0)
    pairs = models.PositiveBigIntegerField(default=0)
    is_live = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = VersionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["is_live"], condition=Q(is_live=True), name="neighbour_version_one_live"
            )
        ]

    def __str__(self) -> str:
        return f"neighbours as of {self.as_of:%Y-%m-%d %H:%M}"


class ItemNeighbour(models.Model):
    """People who wanted `item` also wanted `neighbour`, soon before or after."""

    version = models.ForeignKey(
        NeighbourVersion, on_delete=models.CASCADE, related_name="neighbours"
    )
    item = models.ForeignKey("catalog.Item", on_delete=models.CASCADE, related_name="+")
    neighbour = models.ForeignKey("catalog.Item", on_delete=models.CASCADE, related_name="+")
    score = models.FloatField()
    # How many people stand behind it.
    people = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "item", "neighbour"], name="neighbour_once")
        ]
        indexes = [
            # The neighbours of the items of a history, best first (recs.recommend).
            models.Index(fields=["version", "item", "-score"], name="neighbour_best")
        ]

    def __str__(self) -> str:
        return f"{self.item_id} -> {self.neighbour_id}"


class ItemPopularity(models.Model):
    """How wanted an item was, as known at the version's `as_of`."""

    version = models.ForeignKey(
        NeighbourVersion, on_delete=models.CASCADE, related_name="popularity"
    )
    item = models.ForeignKey("catalog.Item", on_delete=models.CASCADE, related_name="popularity")
    wanted = models.PositiveIntegerField()
    people = models.PositiveIntegerField()
    # Exponentially decayed count: what is popular now.
    trending = models.FloatField()
    # Mean rating drawn toward the catalog's mean by a prior; null without ratings.
    rating = models.FloatField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["version", "item"], name="popularity_once")]
        indexes = [
            # Loved by many, and the most loved of a category (recs.recommenders.popular).
            models.Index(fields=["version", "-people"], name="popularity_people"),
            # Popular now.
            models.Index(fields=["version", "-trending"], name="popularity_trending"),
            # Hidden gems.
            models.Index(
                fields=["version", "-rating"],
                name="popularity_rating",
                condition=Q(rating__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.item_id}: {self.people} people"
