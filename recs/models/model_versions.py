"""Versions of what is trained, and the vectors of items that belong to them."""

from django.db import models
from django.db.models import Q
from pgvector.django import VectorField

from recs.querysets import ModelVersionQuerySet


class ModelVersion(models.Model):
    """One trained network or code book: the row beside its artifact folder.

    The folder never changes after it is written; the row says what became of it. Writes are in
    recs.registry.
    """

    class Kind(models.TextChoices):
        USER_MODEL = "user_model", "user model"
        SEMANTIC_IDS = "semantic_ids", "semantic IDs"
        UNIFIED = "unified", "unified model"
        # Learned by search.finished from the log; a version like the others, without vectors.
        FINISHED_QUERIES = "finished_queries", "finished queries"
        QUERY_RANKER = "query_ranker", "ranker of query recommendations"
        # Learned by search.match_steps from labels: chances of a bad match.
        MATCH_FILTER = "match_filter", "match filter"

    class State(models.TextChoices):
        TRAINING = "training", "training"
        CANDIDATE = "candidate", "candidate"
        LIVE = "live", "live"
        RETIRED = "retired", "retired"
        REFUSED = "refused", "refused"

    kind = models.CharField(max_length=40, choices=Kind.choices)
    # Also the name of its folder, below a folder for each kind.
    name = models.CharField(max_length=100)
    state = models.CharField(max_length=10, choices=State.choices, default=State.TRAINING)
    # Exclusive upper bound of the events it has seen.
    as_of = models.DateTimeField()
    seed = models.BigIntegerField(default=0)
    config = models.JSONField(default=dict, blank=True)
    metrics = models.JSONField(default=dict, blank=True)
    # The gate's whole report (recs.gate): what was compared, on whom, and why it passed or not.
    gate = models.JSONField(default=dict, blank=True)
    # Of the folder's manifest, which holds the hash of each file; empty until the folder stands.
    manifest_sha256 = models.CharField(max_length=64, blank=True)
    # Length of its vectors; 0 where it has none.
    dimensions = models.PositiveIntegerField(default=0)
    events = models.PositiveBigIntegerField(default=0)
    people = models.PositiveBigIntegerField(default=0)
    items = models.PositiveBigIntegerField(default=0)
    # The codes that it reads, which stay as long as it does.
    semantic_version = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="readers"
    )
    index_built_at = models.DateTimeField(null=True, blank=True)
    # Share of the exact nearest ten that the index finds, measured when it was built.
    index_recall = models.FloatField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    # A roll back leaves it as it was: what was retired by then is the way further back.
    promoted_at = models.DateTimeField(null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)
    # When its folder, vectors and index were deleted; the row stays, as a record.
    pruned_at = models.DateTimeField(null=True, blank=True)

    objects = ModelVersionQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "name"], name="model_version_once"),
            models.UniqueConstraint(
                fields=["kind"], condition=Q(state="live"), name="model_version_one_live"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["training", "candidate", "live", "retired", "refused"]),
                name="model_version_state",
            ),
            # What can be promoted has a folder that can be checked.
            models.CheckConstraint(
                condition=Q(state__in=["training", "refused"]) | ~Q(manifest_sha256=""),
                name="model_version_has_manifest",
            ),
            models.CheckConstraint(
                condition=~Q(state="live") | Q(promoted_at__isnull=False, pruned_at__isnull=True),
                name="model_version_live_is_whole",
            ),
            models.CheckConstraint(
                condition=~Q(state="retired") | Q(retired_at__isnull=False),
                name="model_version_retired_when",
            ),
        ]
        indexes = [
            # The versions of a kind, newest first: admin, API, and the rule that prunes.
            models.Index(fields=["kind", "-created_at"], name="model_version_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    @property
    def is_live(self) -> bool:
        """Whether it answers requests."""
        return self.state == self.State.LIVE


class ItemVector(models.Model):
    """An item's vector in one version. The HNSW index of a version is made with SQL."""

    item = models.ForeignKey("catalog.Item", on_delete=models.CASCADE, related_name="model_vectors")
    version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="vectors")
    # Hash of what the vector was made from: another hash on the item means that it is stale.
    input_hash = models.CharField(max_length=64)
    vector = VectorField()
    created_at = models.DateTimeField(auto_now=True)

    class Meta:
        # Its index gives the vectors of a version by item: pending items, vectors of a history.
        constraints = [models.UniqueConstraint(fields=["version", "item"], name="item_vector_once")]

    def __str__(self) -> str:
        return f"{self.item_id} in {self.version_id}"
