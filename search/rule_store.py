"""What is stored of rules: stated by editors as drafts, switched on once they were looked at."""

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from catalog.errors import Conflict, NotFound
from search.models import Rule
from search.rule_input import RuleInput

# May change while a rule is on: they do not change what it makes of a list.
_HARMLESS = frozenset({"name", "starts_at", "ends_at", "priority"})


@transaction.atomic
def save_rule(
    *, stated: RuleInput, by: str, pk: int | None = None, revision: int = 0, is_on: bool = False
) -> Rule:
    """Store what an editor states.

    A new rule is a draft, and one that now does something else becomes one again: its effect is to
    be looked at before it counts.

    Args:
        stated: the rule.
        by: who states it.
        pk: of the stored rule that it replaces; None for a new one.
        revision: of the stored rule that the editor saw.
        is_on: whether the stored rule is to count.

    Raises:
        NotFound: where the rule was deleted meanwhile.
        Conflict: where somebody else saved it meanwhile; says who and when.
    """
    columns = stated.columns()
    if pk is None:
        return Rule.objects.create(**columns, created_by=by[:150], updated_by=by[:150])
    row = lock_rule(pk=pk, revision=revision)
    is_another = any(getattr(row, name) != columns[name] for name in columns.keys() - _HARMLESS)
    for name, value in columns.items():
        setattr(row, name, value)
    row.is_on = is_on and not is_another
    row.updated_by = by[:150]
    row.revision += 1
    row.save()
    return row


def lock_rule(*, pk: int, revision: int) -> Rule:
    """The stored rule, for this transaction alone.

    Raises:
        NotFound: where the rule was deleted meanwhile.
        Conflict: where somebody else saved it meanwhile; says who and when.
    """
    row = Rule.objects.select_for_update().filter(pk=pk).first()
    if row is None:
        raise NotFound("Somebody deleted this rule meanwhile.")
    if row.revision != revision:
        raise Conflict(
            f"{row.updated_by or 'Somebody'} saved this rule on"
            f" {row.updated_at:%Y-%m-%d at %H:%M} (UTC), after you opened it."
        )
    return row


@transaction.atomic
def switch_rules(*, ids: Sequence[int], is_on: bool, by: str) -> list[Rule]:
    """Let rules count, or not; those that changed."""
    rows = list(Rule.objects.select_for_update().filter(pk__in=list(ids), is_on=not is_on))
    for row in rows:
        row.is_on, row.updated_by, row.revision = is_on, by[:150], row.revision + 1
        row.updated_at = timezone.now()
    Rule.objects.bulk_update(rows, ["is_on", "updated_by", "revision", "updated_at"])
    return rows
