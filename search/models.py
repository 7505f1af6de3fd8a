"""Rows of search: queries worth recommending, words of the catalog, synonyms, rules."""

from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q

from search.proposal_models import (
    ItemWords,
    Proposal,
    ProposalPolicy,
    ReviewSample,
    SampleVerdict,
    SpellingPair,
)

__all__ = [
    "Anchor", "BannedPattern", "CatalogChange", "FacetWord", "FinishedText", "ItemWords",
    "OnwardLink", "Proposal", "ProposalPolicy", "Query", "ReviewSample", "Rule", "SampleVerdict",
    "SpellingPair", "Synonym", "Term",
]  # fmt: skip
# What may be recommended or completed; search.query_candidates says the same in SQL.
SHOWN = Q(review="approved", answers__gt=0, held_back="")


class Query(models.Model):
    """A query that can be recommended or completed: where it came from, its review state."""

    class Source(models.TextChoices):
        TITLES = "titles", "titles and collections"
        NAMES = "names", "creators and other names"
        EXPANSIONS = "expansions", "expansion rules"
        LOG = "log", "what people searched"
        RECENT = "recent", "the visitor's own"
        ONWARD = "onward", "where people went on to"
        WRITTEN = "llm", "written by a language model"

    class Review(models.TextChoices):
        PROPOSED = "proposed", "proposed"
        APPROVED = "approved", "approved"
        REJECTED = "rejected", "rejected"
        BANNED = "banned", "banned"

    class HeldBack(models.TextChoices):
        NOTHING = "nothing", "finds nothing now"
        SOURCE = "source", "does not find what it was made from"
        FOLDED = "folded", "says what a better one says"

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
    # The first hits that it had when it was last tried (search.query_checks), best first.
    first_hits = ArrayField(models.BigIntegerField(), default=list, db_default=[])
    review = models.CharField(max_length=10, choices=Review.choices, default=Review.APPROVED)
    # Visible items that answer it, counted when it was last checked.
    answers = models.PositiveIntegerField(default=0)
    # How many different people typed it (source log).
    people = models.PositiveIntegerField(default=0)
    # 0 to 1, comparable across sources: orders completions and breaks ties.
    popularity = models.FloatField(default=0)
    checked_at = models.DateTimeField(null=True)
    # What it is written in (search.languages): "fr", "Cyrl"; "Latn" where the language cannot be
    # told; "" for names and titles, which belong to no language, and where nothing can be told.
    language = models.CharField(max_length=4, blank=True, default="", db_default="")
    # What the live search said of it (search.query_checks): in which release it was looked at, how
    # many items it found and the score of the first. Without a score: counted, not run.
    checked_version = models.CharField(max_length=80, blank=True, default="", db_default="")
    found = models.PositiveIntegerField(null=True, blank=True)
    best_score = models.FloatField(null=True, blank=True)
    # Why it is not shown although it is approved, "" where it is.
    held_back = models.CharField(
        max_length=10, choices=HeldBack.choices, blank=True, default="", db_default=""
    )
    # The better of two that say the same (search.query_folding).
    folded_into = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="folded"
    )
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
                condition=SHOWN,
            ),
            # Later words and typing errors (search.suggest, search.query_candidates).
            GinIndex(OpClass("normalized", name="gin_trgm_ops"), name="query_trgm"),
            # Short prefixes match so much that walking down from the most popular ends sooner.
            models.Index(
                fields=["-popularity"],
                name="query_popular",
                include=["id", "normalized", "source"],
                condition=SHOWN & ~Q(source="titles"),
            ),
            models.Index(
                fields=["-popularity"],
                name="query_popular_titles",
                include=["id", "normalized", "source"],
                condition=SHOWN & Q(source="titles"),
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


class BannedPattern(models.Model):
    """What no query that is shown may hold or fit, whatever source makes it (search.bans)."""

    # In the normal form of queries: a phrase, or words with * that the whole query must fit.
    pattern = models.CharField(max_length=300, unique=True)
    note = models.CharField(max_length=300, blank=True)
    created_by = models.CharField(max_length=150, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    # Each look at queries compares the newest with what it has in memory.
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.pattern


class Anchor(models.Model):
    """How many visible items have what an anchor names, counted when queries were last built."""

    value = models.CharField(max_length=320, primary_key=True)
    items = models.PositiveIntegerField()
    # How often recommended queries that speak of it were shown of late (search.cold_share).
    shown = models.PositiveIntegerField(default=0, db_default=0)
    # A category that hardly anybody has wanted anything of (search.cold_share).
    is_new = models.BooleanField(default=False, db_default=False)

    class Meta:
        indexes = [
            # Each search asks which they are.
            models.Index(fields=["value"], name="anchor_new", condition=Q(is_new=True))
        ]

    def __str__(self) -> str:
        return self.value


class OnwardLink(models.Model):
    """Several people searched the second query after the first (search.query_sources.onward)."""

    # Both in normal form.
    query = models.CharField(max_length=500)
    next = models.CharField(max_length=500)
    people = models.PositiveIntegerField()
    # Of the people who searched the first.
    share = models.FloatField()

    class Meta:
        constraints = [
            # Its index answers each search: where did people go on to from here?
            models.UniqueConstraint(fields=["query", "next"], name="onward_link_once")
        ]

    def __str__(self) -> str:
        return f"{self.query} \u2192 {self.next}"


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


class CatalogChange(models.Model):
    """Transactions that changed items: a trigger adds rows, search.catalog_changes folds them."""

    n = models.PositiveBigIntegerField()

    def __str__(self) -> str:
        return f"{self.n} changes"


class FacetWord(models.Model):
    """How people say a value of a facet: "french" for the country France.

    Without words it says that a facet has a range of numbers, and which.
    """

    # In normal form, in the singular (search.query_words.words_of).
    said = models.CharField(max_length=120)
    # A name of catalog.filters: "country", "attributes.color".
    facet = models.CharField(max_length=80)
    value = models.CharField(max_length=300)
    # Visible items that have the value.
    items = models.PositiveIntegerField()
    # The last word of a name alone, which means it only where a name is announced: "by Hitchcock".
    is_part = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["said", "facet", "value"], name="facet_word_once")
        ]
        indexes = [
            # Completion: what begins so (search.suggest).
            models.Index(OpClass("said", name="varchar_pattern_ops"), name="facet_word_begins")
        ]

    def __str__(self) -> str:
        return f"{self.said or 'from'}: {self.value}"


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
        MODEL = "llm", "a language model"

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


class Rule(models.Model):
    """What an editor wants of some searches, whatever a model thinks (search.rules)."""

    class Match(models.TextChoices):
        IS = "is", "the query is exactly one of these"
        HOLDS = "holds", "the query holds one of these, word for word"
        PATTERN = "pattern", "the query fits one of these, * standing for anything"
        EVERY = "every", "every search that has words"
        BROWSE = "browse", "browsing: no words"

    class Action(models.TextChoices):
        PIN = "pin", "pin: put items at a place of the list"
        BOOST = "boost", "boost: move items up"
        BURY = "bury", "bury: move items to the end"
        HIDE = "hide", "hide: leave items out"
        REDIRECT = "redirect", "redirect: lead to a page or another search"
        BANNER = "banner", "banner: say something above the list"

    class State(models.TextChoices):
        OFF = "off", "off"
        RUNNING = "running", "running now"
        WAITING = "waiting", "not yet"
        OVER = "over", "over"

    name = models.CharField(max_length=120)
    match = models.CharField(
        max_length=10, choices=Match.choices, default=Match.IS, verbose_name="for which searches"
    )
    # In the normal form of queries (search.rule_patterns).
    patterns = ArrayField(models.CharField(max_length=300), default=list, blank=True)
    action = models.CharField(
        max_length=10, choices=Action.choices, default=Action.PIN, verbose_name="what to do"
    )
    # In order: the first one of a pin stands at `position`. Items are hidden, never deleted.
    item_ids = ArrayField(models.BigIntegerField(), default=list, blank=True)
    position = models.PositiveSmallIntegerField(default=1)
    categories = ArrayField(models.CharField(max_length=300), default=list, blank=True)
    creators = ArrayField(models.CharField(max_length=300), default=list, blank=True)
    countries = ArrayField(models.CharField(max_length=300), default=list, blank=True)
    # A path of this site: where a redirect leads, or a banner.
    target = models.CharField(max_length=500, blank=True)
    text = models.CharField(max_length=300, blank=True)
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    priority = models.SmallIntegerField(default=0)
    # New rules are drafts: looked at first, then switched on.
    is_on = models.BooleanField(default=False, verbose_name="switched on")
    # Counts the saves, so that of two editors the second one sees what the first one did.
    revision = models.PositiveIntegerField(default=1, editable=False)
    created_by = models.CharField(max_length=150, blank=True, editable=False)
    updated_by = models.CharField(max_length=150, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True)
                | Q(starts_at__isnull=True)
                | Q(ends_at__gt=F("starts_at")),
                name="rule_ends_after_it_starts",
            )
        ]
        indexes = [
            # Each search asks whether anything changed among these (search.rules).
            models.Index(fields=["updated_at"], name="rule_on", condition=Q(is_on=True))
        ]

    def __str__(self) -> str:
        return self.name

    def state_at(self, at: datetime) -> str:
        """Whether it counts at that moment, and if not, why."""
        if not self.is_on:
            return self.State.OFF
        if self.ends_at and self.ends_at <= at:
            return self.State.OVER
        waits = self.starts_at and self.starts_at > at
        return self.State.WAITING if waits else self.State.RUNNING
