"""Collections: titled, ordered lists of items (playlists, franchises, shelves)."""

from django.db import models
from django.db.models import Q

from catalog.models.items import Item


class Collection(models.Model):
    """A titled list that somebody made."""

    external_id = models.CharField(max_length=200, unique=True)
    title = models.CharField(max_length=300)
    description = models.TextField(blank=True)
    is_hidden = models.BooleanField(default=False)
    items = models.ManyToManyField(Item, through="CollectionItem", related_name="collections")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["title", "id"]
        constraints = [models.CheckConstraint(condition=~Q(title=""), name="collection_has_title")]

    def __str__(self) -> str:
        return self.title


class CollectionItem(models.Model):
    """One item's place in a collection, from 1."""

    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="entries")
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="collection_entries")
    position = models.PositiveIntegerField()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["collection", "item"], name="collection_item_once"),
            models.CheckConstraint(
                condition=Q(position__gte=1), name="collection_position_from_one"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.position}. {self.item_id}"
