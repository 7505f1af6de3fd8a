"""What was used, added up from the ledger."""

from decimal import Decimal
from typing import NamedTuple

from django.db.models import Count, QuerySet, Sum

from workers.models import LlmCall

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
