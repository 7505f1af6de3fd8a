"""What language models propose, the policies that accept it, and samples that people looked at."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import F, Q

# In the basis of what was rejected by nobody: what it was written of has changed since.
CHANGED = "change"


class Kind(models.TextChoices):
    """What can be proposed."""

    QUERY = "query", "queries"
    NAME = "name", "names of kinds"
    SYNONYM = "synonym", "synonyms"
    ATTRIBUTE = "attribute", "attributes"
    SUMMARY = "summary", "summaries"
    SPELLING = "spelling", "spelling pairs"
    CATEGORY = "category", "names of categories"
    DESCRIPTION = "description", "descriptions of kinds"


class Reason(models.TextChoices):
    """Why a reviewer did not take it."""

    UNTRUE = "untrue", "not true of it"
    UNNATURAL = "unnatural", "nobody would say it so"
    EMPTY = "empty", "says nothing"
    NAMES = "names", "names a person or the thing itself"
    HARMFUL = "harmful", "hurts or misleads"
    OTHER = "other", "something else"


class Proposal(models.Model):
    """One thing that a language model proposes, what it rests on, and what became of it."""

    class Review(models.TextChoices):
        PROPOSED = "proposed", "proposed"
        APPROVED = "approved", "approved"
        REJECTED = "rejected", "rejected"

    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.QUERY)
    # What it is about: an item, or a name such as the path of a code; neither for a synonym.
    item = models.ForeignKey(
        "catalog.Item", null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    subject = models.CharField(max_length=200, blank=True, default="", db_default="")
    text = models.CharField(max_length=300)
    normalized = models.CharField(max_length=300)
    # What the text alone does not say. Of a fact: {"facet": "attributes.color", "value": "red",
    # "field": "description", "start": 10, "end": 13}, the place of its evidence.
    value = models.JSONField(default=dict, blank=True, db_default={})
    # Of the taxonomy that the prompt states: "mood", "theme" ...
    descriptor = models.CharField(max_length=40, blank=True)
    # Words of what it is about.
    evidence = models.CharField(max_length=200, blank=True)
    model = models.CharField(max_length=200)
    revision = models.CharField(max_length=64, blank=True)
    prompt_version = models.CharField(max_length=20)
    # The row of the ledger; it may be pruned before this is.
    call = models.BigIntegerField()
    money = models.DecimalField(max_digits=12, decimal_places=6, default=0)
    # Mean log-probability of a token, where the model tells.
    confidence = models.FloatField(null=True, blank=True)
    # The job that it came from.
    job = models.UUIDField(null=True, blank=True)
    # Of what it is about, when it was written.
    content_hash = models.CharField(max_length=64, blank=True)
    review = models.CharField(
        max_length=10, choices=Review.choices, default=Review.PROPOSED, db_default="proposed"
    )
    # By what it was decided: {"by": "person"}, {"by": "policy", "reviewed": 110, "good": 96, ...};
    # {"by": "change"} where it was nobody.
    basis = models.JSONField(default=dict, blank=True, db_default={})
    reason = models.CharField(max_length=10, choices=Reason.choices, blank=True, db_default="")
    note = models.CharField(max_length=300, blank=True, db_default="")
    reviewed_by = models.CharField(max_length=150, blank=True, db_default="")
    reviewed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "item", "subject", "normalized"],
                name="proposal_once",
                nulls_distinct=False,
            )
        ]
        indexes = [
            # What of a batch waits (search.proposals), and the newest refusals.
            models.Index(fields=["kind", "review", "prompt_version"], name="proposal_batch"),
            # A query that was decided on decides on what it was made of.
            models.Index(fields=["normalized"], name="proposal_query", condition=Q(kind="query")),
        ]

    def __str__(self) -> str:
        return self.text


class ProposalPolicy(models.Model):
    """When proposals of a kind are accepted without a person; without a row, never."""

    kind = models.CharField(max_length=12, choices=Kind.choices, unique=True)
    is_automatic = models.BooleanField(default=False, verbose_name="automatic")
    # The lower end of the 95 % interval of the share that people approved is at least this.
    bound = models.FloatField(default=0.9)
    updated_by = models.CharField(max_length=150, blank=True, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "proposal policies"
        constraints = [
            models.CheckConstraint(
                condition=Q(bound__gte=0.5) & Q(bound__lt=1), name="policy_bound_is_a_share"
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.bound:.0%}" if self.is_automatic else (
            f"{self.get_kind_display()}: by hand"
        )  # fmt: skip


class ReviewSample(models.Model):
    """Proposals drawn at random from a batch for a person to look at; its size never changes."""

    kind = models.CharField(max_length=12, choices=Kind.choices)
    model = models.CharField(max_length=200)
    revision = models.CharField(max_length=64, blank=True)
    prompt_version = models.CharField(max_length=20)
    # How many waited when it was drawn, which, and what share is to be proven good.
    population = models.PositiveIntegerField()
    drawn = ArrayField(models.BigIntegerField(), default=list, blank=True)
    size = models.PositiveIntegerField()
    wanted = models.FloatField()
    # What was found; counted towards the agreement once all were looked at.
    good = models.PositiveIntegerField(default=0)
    reviewed = models.PositiveIntegerField(default=0)
    finished_at = models.DateTimeField(null=True, blank=True)
    # Set when the rest of the batch was decided by it.
    settled = models.CharField(max_length=10, blank=True)
    # A reviewed sample that came with the demo names its file.
    source = models.CharField(max_length=100, blank=True)
    created_by = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source"], condition=~Q(source=""), name="shipped_sample_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.reviewed} of {self.size} {self.get_kind_display()}"


class SampleVerdict(models.Model):
    """What a person said of one proposal of a sample."""

    sample = models.ForeignKey(ReviewSample, on_delete=models.CASCADE, related_name="verdicts")
    proposal = models.ForeignKey(Proposal, on_delete=models.CASCADE, related_name="+")
    is_good = models.BooleanField()
    reason = models.CharField(max_length=10, choices=Reason.choices, blank=True)
    note = models.CharField(max_length=300, blank=True)
    by = models.CharField(max_length=150)
    at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["sample", "proposal"], name="verdict_once")]

    def __str__(self) -> str:
        return "good" if self.is_good else self.get_reason_display()


class ItemWords(models.Model):
    """Words that an item is found by beside its own: approved queries, facts that were added."""

    item = models.OneToOneField("catalog.Item", primary_key=True, on_delete=models.CASCADE,
                                related_name="+")  # fmt: skip
    # Of written queries, and of added facts, which have the weight A in the vector.
    words = models.TextField()
    added = models.TextField(default="", db_default="", blank=True)
    vector = SearchVectorField()

    class Meta:
        # What finds an item that its own words do not (search.lexical).
        indexes = [GinIndex(fields=["vector"], name="item_words_vector")]

    def __str__(self) -> str:
        return f"{self.words} {self.added}".strip()[:80]


class SpellingPair(models.Model):
    """A mistyped word and what it stands for: approved, and known to the corrector.

    Rows are never changed in place (search.spelling_store), so that the number of rows and the last
    key tell whether anything is new.
    """

    typed = models.CharField(max_length=80, unique=True)
    meant = models.CharField(max_length=80)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(typed=F("meant")), name="spelling_pair_differs")
        ]

    def __str__(self) -> str:
        return f"{self.typed} \u2192 {self.meant}"
