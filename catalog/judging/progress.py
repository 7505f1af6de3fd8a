"""How far a judge is: done today, in the last hour, and left."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, Q
from django.utils import timezone

from catalog.judging.turns import Judge, left_for
from catalog.models import Judgement

_SAID = (Judgement.Outcome.GRADED, Judgement.Outcome.CANT_SAY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Counts of pairs. `today` begins at midnight, UTC. `left` can be asked of this judge."""

    today: int
    last_hour: int
    left: int


def progress_of(judge: Judge) -> Progress:
    """In two statements."""
    now = timezone.now()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    own = Judgement.objects.filter(labeller=judge.name, outcome__in=_SAID)
    counted = own.filter(decided_at__gte=min(midnight, now - timedelta(hours=1))).aggregate(
        today=Count("pk", filter=Q(decided_at__gte=midnight)),
        last_hour=Count("pk", filter=Q(decided_at__gte=now - timedelta(hours=1))),
    )
    return Progress(left=left_for(judge), **counted)
