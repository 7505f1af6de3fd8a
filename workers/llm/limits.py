"""What may be used in a day, and the switch that stops everything."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from workers.llm.errors import OverLimit, Stopped
from workers.llm.ledger import Used, used
from workers.models import LlmCall, LlmLimit


def check(purpose: str) -> None:
    """Whether one more call is allowed now; read anew before each.

    Raises:
        Stopped: somebody stopped this purpose or everything.
        OverLimit: says which limit is reached.
    """
    limits = list(LlmLimit.objects.filter(purpose__in=("", purpose)))
    for limit in limits:
        if limit.is_stopped:
            raise Stopped(
                f"Language models were stopped for {limit}, by {limit.updated_by or '?'}."
            )
    for limit in limits:
        _compare(limit, used_today(limit.purpose))


def used_today(purpose: str = "") -> Used:
    """What was used since midnight; of all purposes where none is given."""
    midnight = datetime.now(tz=UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    calls = LlmCall.objects.filter(created_at__gte=midnight)
    return used(calls.filter(purpose=purpose) if purpose else calls)


def _compare(limit: LlmLimit, today: Used) -> None:
    most: Sequence[tuple[str, float | Decimal, float | Decimal | None]] = (
        ("calls", today.calls, limit.calls_a_day),
        ("tokens", today.tokens, limit.tokens_a_day),
        ("money", today.money, limit.money_a_day),
    )
    for name, so_far, allowed in most:
        if allowed is not None and so_far >= allowed:
            raise OverLimit(
                f"The day's limit of {name} for {limit} is reached: {so_far:,} of {allowed:,}."
            )
