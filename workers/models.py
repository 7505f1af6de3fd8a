"""The ledger of what language models were asked, and the limits of it."""

from django.db import models
from django.db.models import Q

from catalog.models import Job


class LlmCall(models.Model):
    """One question to a language model: what it was for, what it cost, what came of it."""

    class Outcome(models.TextChoices):
        OK = "ok", "answered"
        CACHED = "cached", "known already"
        BAD_ANSWER = "bad_answer", "not what was asked for"
        FAILED = "failed", "no answer"
        REFUSED = "refused", "not asked: a limit"

    purpose = models.CharField(max_length=40)
    prompt_version = models.CharField(max_length=20)
    model = models.CharField(max_length=200)
    # Of the weights where they are known; what an endpoint calls its model may change under it.
    revision = models.CharField(max_length=64, blank=True)
    # SHA-256 of everything that the model was given, after personal data was taken out.
    input_hash = models.CharField(max_length=64)
    outcome = models.CharField(max_length=12, choices=Outcome.choices)
    # As the provider counts them, over all attempts.
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    money = models.DecimalField(max_digits=12, decimal_places=6, default=0)
    milliseconds = models.PositiveIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    # The answer as read, for whoever asks the same again; personal data never went in.
    answer = models.JSONField(null=True, blank=True)
    error = models.CharField(max_length=300, blank=True)
    job = models.ForeignKey(Job, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "LLM call"
        indexes = [
            models.Index(fields=["purpose", "created_at"], name="llmcall_day"),
            models.Index(fields=["-created_at"], name="llmcall_newest"),
            # The cache: what was answered to the same question.
            models.Index(fields=["input_hash"], name="llmcall_known", condition=Q(outcome="ok")),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.pk}"


class LlmLimit(models.Model):
    """What a purpose may use in a day, UTC; the row of no purpose is for all together."""

    purpose = models.CharField(max_length=40, unique=True, blank=True)
    # Nothing is asked at all, from the next call on.
    is_stopped = models.BooleanField(default=False, verbose_name="stopped")
    calls_a_day = models.PositiveIntegerField(null=True, blank=True)
    tokens_a_day = models.PositiveBigIntegerField(null=True, blank=True)
    money_a_day = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)
    updated_by = models.CharField(max_length=150, blank=True, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "LLM limit"

    def __str__(self) -> str:
        return self.purpose or "everything"
