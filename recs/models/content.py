"""Content vectors and the encoder versions they belong to."""

from django.db import models
from django.db.models import Q
from pgvector.django import HalfVectorField

from recs.querysets import ContentVersionQuerySet


class ContentVersion(models.Model):
    """One encoder at one revision reading one text template: vectors of two versions never mix.

    One version of each modality is live; that of the text answers searches.
    """

    TEXT = "text"
    IMAGE = "image"
    FACTS = "facts"

    # What was read: "text", "image", "facts", "audio" or whatever vectors were imported for.
    modality = models.CharField(max_length=20, default=TEXT)
    encoder = models.CharField(max_length=100)
    revision = models.CharField(max_length=64)
    template = models.CharField(max_length=200)
    dimensions = models.PositiveIntegerField()
    is_live = models.BooleanField(default=False)
    index_built_at = models.DateTimeField(null=True)
    # Share of the exact nearest ten that the index finds, measured when it was built.
    index_recall = models.FloatField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ContentVersionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["encoder", "revision", "template"], name="content_version_once"
            ),
            models.UniqueConstraint(
                fields=["modality"], condition=Q(is_live=True), name="content_version_one_live"
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
    # Hash of what was read: another hash on the item (a text's) means this vector is stale.
    input_hash = models.CharField(max_length=64)
    # Zeros: there is something, but it cannot be read (a broken picture).
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
