"""The profile: how this installation's catalog speaks of its things."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q


class Profile(models.Model):
    """The words and facets of this catalog: one row, changed in the admin or by an importer."""

    name = models.CharField(max_length=80, default="Foray")
    tagline = models.CharField(
        max_length=200, default="Search, and find where to go next.", blank=True
    )
    item_noun = models.CharField(max_length=40, default="item")
    item_noun_plural = models.CharField(max_length=40, default="items")
    creator_noun = models.CharField(max_length=40, default="creator")
    category_noun = models.CharField(max_length=40, default="category")
    # Which numeric facet the search page offers: "year", "price" or "" for none.
    range_facet = models.CharField(
        max_length=10,
        default="",
        blank=True,
        choices=[("", "none"), ("year", "year"), ("price", "price")],
    )
    # Keys of item attributes whose values are names people search by ("cast", "writer").
    name_attributes = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    # Keys of attributes shown as facts on cards and item pages, in order.
    fact_attributes = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    # Keys of attributes that narrow a list: texts are ticked, numbers have a range.
    facet_attributes = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    currency = models.CharField(max_length=3, default="USD", blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="profile_is_one_row")]

    def __str__(self) -> str:
        return self.name
