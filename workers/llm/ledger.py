"""What was asked and used, from the ledger."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from itertools import islice
from typing import NamedTuple, TypeVar

from django.db.models import Count, QuerySet, Sum

from workers.llm.scrubbing import scrubbed
from workers.llm.types import Prompt, Provider
from workers.models import LlmCall

T = TypeVar("T")

# Questions that are looked up at once.
BATCH = 100
# Nothing was asked.
_FREE = (LlmCall.Outcome.CACHED, LlmCall.Outcome.REFUSED)


class Used(NamedTuple):
    """By some calls."""

    calls: int
    tokens: int
    money: Decimal


def used(calls: QuerySet[LlmCall]) -> Used:
    """What these calls took, without those that asked nobody."""
    told = calls.exclude(outcome__in=_FREE).aggregate(
        n=Count("pk"), given=Sum("input_tokens"), made=Sum("output_tokens"), paid=Sum("money")
    )
    tokens = (told["given"] or 0) + (told["made"] or 0)
    return Used(int(told["n"]), int(tokens), Decimal(told["paid"] or 0))


def unasked_first(
    things: Iterable[T], prompt_for: Callable[[T], Prompt], *, provider: Provider, most: int
) -> list[T]:
    """At most so many, those whose question was not answered yet before the others.

    What fell by a screen leaves no proposal: without this a job would meet it again and again.
    What was answered comes last and costs nothing: a killed job may have lost what came of it.
    """
    fresh: list[T] = []
    asked: list[T] = []
    left = iter(things)
    while len(fresh) < most and (some := list(islice(left, BATCH))):
        keys = [scrubbed(prompt_for(one)).hashed(provider.model, provider.revision) for one in some]
        known = set(
            LlmCall.objects.filter(input_hash__in=keys, outcome=LlmCall.Outcome.OK).values_list(
                "input_hash", flat=True
            )
        )
        for key, one in zip(keys, some, strict=True):
            (asked if key in known else fresh).append(one)
    return [*fresh, *asked][:most]
