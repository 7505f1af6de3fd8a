"""Semantic IDs of items, and the names of the kinds that they make."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Deferrable, Q

from recs.models.model_versions import ModelVersion

DESCRIPTION_CHARACTERS = 140


class ItemCode(models.Model):
    """An item's codes in one version of the semantic IDs."""

    item = models.ForeignKey("catalog.Item", on_delete=models.CASCADE, related_name="codes")
    version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="codes")
    # The cluster of its content as a whole.
    flat = models.PositiveIntegerField()
    # One code for each level, coarse to fine.
    codes = ArrayField(models.PositiveIntegerField())
    # Tells items with the same codes apart: 0 for the first of them.
    collision = models.PositiveIntegerField(default=0)
    # The codes as text, three digits each, so that a kind is a prefix: "012.200.007".
    path = models.CharField(max_length=100)
    # Hash of what the codes were made from: another hash on the item means that they are stale.
    input_hash = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "item"], name="item_code_once"),
            # An ID means one item. Checked at commit: two items may swap their places.
            models.UniqueConstraint(
                fields=["version", "path", "collision"],
                name="item_code_means_one",
                deferrable=Deferrable.DEFERRED,
            ),
            models.CheckConstraint(condition=~Q(path=""), name="item_code_has_path"),
        ]
        indexes = [
            # The items of a kind: those whose path begins with a prefix (recs.codes).
            models.Index(
                fields=["version", "path"],
                opclasses=["int8_ops", "text_pattern_ops"],
                name="item_code_prefix",
            )
        ]

    def __str__(self) -> str:
        return f"{self.item_id}: {self.path}"


class CodeName(models.Model):
    """What a kind is called: the items whose path begins so."""

    class Source(models.TextChoices):
        DERIVED = "derived", "derived"
        LLM = "llm", "LLM"
        PERSON = "person", "person"

    version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="code_names")
    path = models.CharField(max_length=100)
    name = models.CharField(max_length=200)
    # One sentence about it; "" until somebody approved or wrote one.
    description = models.CharField(
        max_length=DESCRIPTION_CHARACTERS, blank=True, default="", db_default=""
    )
    # Of the name.
    source = models.CharField(max_length=10, choices=Source.choices, default=Source.DERIVED)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "path"], name="code_name_once"),
            models.CheckConstraint(
                condition=Q(source__in=["derived", "llm", "person"]), name="code_name_source"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.path}: {self.name}"
