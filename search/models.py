"""Rows of search: queries worth recommending, and the words of the catalog."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Q


class Query(models.Model):
    """A query that can be recommended or completed: where it came from, its review state."""

    class Source(models.TextChoices):
        TITLES = "titles", "titles and collections"
        NAMES = "names", "creators and other names"
        EXPANSIONS = "expansions", "expansion rules"
        LOG = "log", "what people searched"
        RECENT = "recent", "the visitor's own"

    class Review(models.TextChoices):
        PROPOSED = "proposed", "proposed"
        APPROVED = "approved", "approved"
        REJECTED = "rejected", "rejected"
        BANNED = "banned", "banned"

    text = models.CharField(max_length=300)
    # Lower case, without accents, one space between words.
    normalized = models.CharField(max_length=300, unique=True)
    source = models.CharField(max_length=20, choices=Source.choices)
    # What it was made from: {"rule": "creator_category", "creator": "...", "category": "..."}.
    provenance = models.JSONField(default=dict)
    # What it speaks of, as "kind:value": ["creator:Agnès Varda", "category:Comedy"].
    anchors = ArrayField(models.CharField(max_length=320), default=list)
    # Hash of the set of anchors: finds the query that speaks of exactly these things.
    meaning = models.BigIntegerField(default=0)
    # The best few items that answer it. A query is shown only while one of them is visible, so
    # that hiding an item takes effect on its queries at once and costs a look-up by key.
    witnesses = ArrayField(models.BigIntegerField(), default=list)
    review = models.CharField(max_length=10, choices=Review.choices, default=Review.APPROVED)
    # Visible items that answer it, counted when it was last checked.
    answers = models.PositiveIntegerField(default=0)
    # How many different people typed it (source log).
    people = models.PositiveIntegerField(default=0)
    # 0 to 1, comparable across sources: orders completions and breaks ties.
    popularity = models.FloatField(default=0)
    checked_at = models.DateTimeField(null=True)
    reviewed_by = models.CharField(max_length=150, blank=True)
    reviewed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "queries"
        indexes = [
            # Completion at each keystroke (search.suggest): prefix of the whole query.
            models.Index(
                OpClass("normalized", name="text_pattern_ops"),
                name="query_prefix",
                condition=Q(review="approved", answers__gt=0),
            ),
            # Later words and typing errors (search.suggest, search.query_candidates).
            GinIndex(OpClass("normalized", name="gin_trgm_ops"), name="query_trgm"),
            # Short prefixes match so much that walking down from the most popular ends sooner.
            models.Index(
                fields=["-popularity"],
                name="query_popular",
                include=["id", "normalized", "source"],
                condition=Q(review="approved", answers__gt=0) & ~Q(source="titles"),
            ),
            models.Index(
                fields=["-popularity"],
                name="query_popular_titles",
                include=["id", "normalized", "source"],
                condition=Q(review="approved", answers__gt=0, source="titles"),
            ),
            # Queries that speak of exactly what the hits share (search.query_candidates).
            models.Index(fields=["meaning"], name="query_meaning", condition=~Q(meaning=0)),
            # Logged queries that share a word with what was typed (search.query_candidates).
            GinIndex(
                OpClass("normalized", name="gin_trgm_ops"),
                name="query_log_trgm",
                condition=Q(source="log"),
            ),
            # Candidates that share something with the hits (search.query_recommendation).
            GinIndex(fields=["anchors"], name="query_anchors"),
            # The review queue of the admin.
            models.Index(fields=["review", "source"], name="query_review"),
        ]

    def __str__(self) -> str:
        return self.text


class Anchor(models.Model):
    """How many visible items have what an anchor names, counted when queries were last built."""

    value = models.CharField(max_length=320, primary_key=True)
    items = models.PositiveIntegerField()

    def __str__(self) -> str:
        return self.value


class Term(models.Model):
    """A word of the catalog, for correcting typing errors."""

    word = models.CharField(max_length=80, unique=True)
    # Items whose title, creators or keywords hold it.
    items = models.PositiveIntegerField()

    class Meta:
        indexes = [
            # Words that look like a mistyped one (search.spelling).
            GinIndex(OpClass("word", name="gin_trgm_ops"), name="term_trgm")
        ]

    def __str__(self) -> str:
        return self.word


class FinishedText(models.Model):
    """A logged text with the chance that it is a finished query, as one version judged it.

    Written by search.finished, all at once; read by search.typed, only while its version is live.
    """

    normalized = models.CharField(max_length=500, unique=True)
    chance = models.FloatField()
    is_finished = models.BooleanField()
    version = models.ForeignKey(
        "recs.ModelVersion", on_delete=models.CASCADE, related_name="finished_texts"
    )

    def __str__(self) -> str:
        return f"{self.normalized} ({self.chance:.2f})"


class Synonym(models.Model):
    """Phrases that find what the others find; or, one way, phrases that find something as well."""

    class Source(models.TextChoices):
        PEOPLE = "people", "an editor"
        CLICKS = "clicks", "what people chose"
        MEANING = "meaning", "nearness in meaning"

    class Review(models.TextChoices):
        PROPOSED = "proposed", "proposed"
        APPROVED = "approved", "approved"
        REJECTED = "rejected", "rejected"

    # In normal form. Without `finds` each of them finds what the others find.
    words = ArrayField(models.CharField(max_length=80), verbose_name="typed")
    finds = ArrayField(
        models.CharField(max_length=80), default=list, blank=True, verbose_name="finds as well"
    )
    # Of both, so that the same set cannot stand twice (search.synonym_sets).
    key = models.CharField(max_length=64, unique=True, editable=False)
    source = models.CharField(max_length=10, choices=Source.choices, default=Source.PEOPLE)
    # What speaks for it: {"people": 12, "shared": ["..."]}, or {"similarity": 0.8}.
    evidence = models.JSONField(default=dict, blank=True)
    review = models.CharField(max_length=10, choices=Review.choices, default=Review.PROPOSED)
    reviewed_by = models.CharField(max_length=150, blank=True)
    reviewed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    # Each search compares the newest with what it has in memory (search.synonyms).
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        indexes = [models.Index(fields=["review", "updated_at"], name="synonym_review")]

    def __str__(self) -> str:
        left = " = ".join(self.words) if not self.finds else ", ".join(self.words)
        return f"{left} \u2192 {', '.join(self.finds)}" if self.finds else left
