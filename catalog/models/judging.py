"""What people are asked to judge: the queue of pairs, and each judge's turns at them."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from catalog.models.items import Item
from catalog.models.labels import Label


class JudgingPair(models.Model):
    """An item and a query, or an item and a person, that people are to grade.

    A pair has rounds: where its item or the guideline changed, what was said before counts no
    more, and the next round asks anew. Turns of earlier rounds are kept.
    """

    class Reason(models.TextChoices):
        DISAGREEMENT = "disagreement", "labellers disagree"
        DISLIKED = "disliked", "visitors disliked it"
        UNCERTAIN = "uncertain", "an uncertain score"
        SHOWN = "shown", "often shown"
        REST = "rest", "drawn from all others"
        STALE = "stale", "the item or the guideline changed"
        CALIBRATION = "calibration", "a known answer"

    class State(models.TextChoices):
        OPEN = "open", "open"
        JUDGED = "judged", "judged"
        DISPUTED = "disputed", "disputed"
        UNSURE = "unsure", "nobody could say"
        FINAL = "final", "adjudicated"
        DROPPED = "dropped", "left out"

    kind = models.CharField(max_length=10, choices=Label.Kind.choices)
    query = models.CharField(max_length=500, blank=True)
    person = models.ForeignKey(
        "catalog.Person", null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="+")
    reason = models.CharField(max_length=12, choices=Reason.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    # Higher ones are asked first.
    priority = models.SmallIntegerField(default=0)
    # The draw that it came with, and with which chance it was in it; none where it was not drawn.
    draw = models.CharField(max_length=60, blank=True)
    propensity = models.FloatField(null=True, blank=True)
    # How many judges are asked.
    wanted = models.PositiveSmallIntegerField(default=2)
    # What this round is about: the item's text and the guideline's version when it began.
    round = models.PositiveSmallIntegerField(default=1)
    content_hash = models.CharField(max_length=64, blank=True)
    guideline = models.CharField(max_length=20, blank=True)
    # The answer of an adjudicator by which judges are measured.
    known = models.ForeignKey(
        Label, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "pair to judge"
        verbose_name_plural = "pairs to judge"
        permissions = [
            ("judge_pair", "Can judge pairs"),
            ("adjudicate_pair", "Can adjudicate pairs, and see how far judges agree"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="relevance", person__isnull=True) & ~Q(query="")
                | Q(kind="fit", person__isnull=False, query=""),
                name="pair_names_query_or_person",
            ),
            models.UniqueConstraint(
                fields=["query", "item"], condition=Q(kind="relevance"), name="pair_relevance_once"
            ),
            models.UniqueConstraint(
                fields=["person", "item"], condition=Q(kind="fit"), name="pair_fit_once"
            ),
        ]
        indexes = [
            # The next pair of a judge (catalog.judging.turns).
            models.Index(fields=["-priority", "id"], name="pair_open", condition=Q(state="open")),
            # What waits for an adjudicator.
            models.Index(
                fields=["updated_at"],
                name="pair_waiting",
                condition=Q(state__in=["disputed", "unsure"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.query or 'a person'}: {self.item}"


class Judgement(models.Model):
    """One judge's turn at a pair: leased, then decided. The grade itself is a Label as well."""

    class Outcome(models.TextChoices):
        OPEN = "open", "open"
        GRADED = "graded", "graded"
        CANT_SAY = "cant_say", "can't say"
        SKIPPED = "skipped", "skipped"

    pair = models.ForeignKey(JudgingPair, on_delete=models.CASCADE, related_name="turns")
    round = models.PositiveSmallIntegerField(default=1)
    labeller = models.CharField(max_length=100)
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    outcome = models.CharField(max_length=10, choices=Outcome.choices, default=Outcome.OPEN)
    grade = models.PositiveSmallIntegerField(null=True, blank=True)
    note = models.TextField(blank=True)
    # Whether the pair was put in to measure the judge.
    is_calibration = models.BooleanField(default=False)
    # The label of this judge that the grade replaced, to be put back by an undo.
    replaced = models.JSONField(null=True, blank=True)
    # Until then nobody else is given the place.
    leased_until = models.DateTimeField()
    started_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["pair", "round", "labeller"], name="judgement_once_a_round"
            ),
            models.CheckConstraint(
                condition=Q(outcome="graded", grade__isnull=False, grade__lte=3)
                | ~Q(outcome="graded") & Q(grade__isnull=True),
                name="judgement_grade_where_graded",
            ),
            models.CheckConstraint(
                condition=Q(outcome="open") | Q(decided_at__isnull=False),
                name="judgement_decided_when",
            ),
        ]
        indexes = [
            # A judge's progress and the last thing to undo.
            models.Index(fields=["labeller", "-decided_at"], name="judgement_of_judge"),
        ]

    def __str__(self) -> str:
        said = self.get_outcome_display() if self.grade is None else self.grade
        return f"{self.labeller}: {said}"
