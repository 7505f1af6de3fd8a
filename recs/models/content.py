"""Content vectors and the encoder versions they belong to."""

from django.db import models
from django.db.models import Q
from pgvector.django import HalfVectorField

from recs.querysets import VersionQuerySet


class ContentVersion(models.Model):
    """One encoder at one revision reading one text template: vectors of two versions never mix."""

    encoder = models.CharField(max_length=100)
    revision = models.CharField(max_length=64)
    template = models.CharField(max_length=200)
    dimensions = models.PositiveIntegerField()
    is_live = models.BooleanField(default=False)
    index_built_at = models.DateTimeField(null=True)
    # Share of the exact nearest ten that the index finds, measured when it was built.
    index_recall = models.FloatField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = VersionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["encoder", "revision", "template"], name="content_version_once"
            ),
            models.UniqueConstraint(
                fields=["is_live"], condition=Q(is_live=True), name="content_version_one_live"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.encoder}@{self.revision[:8]}"


class ContentEmbedding(models.Model):
    """An item's content vector in one version. The HNSW index of a version is made in index.py."""

    item = models.ForeignKey(
        "catalog.Item", on_delete=models.CASCADE, related_name="content_embeddings"
    )
    version = models.ForeignKey(ContentVersion, on_delete=models.CASCADE, related_name="embeddings")
    # Hash of the text that was read: another hash on the item means this vector is stale.
    input_hash = models.CharField(max_length=64)
    vector = HalfVectorField()
    created_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "item"], name="content_embedding_once")
        ]
        indexes = [
            # The cache: the same text is never encoded twice by one version.
            models.Index(fields=["version", "input_hash"], name="content_embedding_hash")
        ]

    def __str__(self) -> str:
        return f"{self.item_id} in {self.version_id}"
