"""Pairs in the queue, and judges."""

import pytest
from django.contrib.auth.models import Permission, User

from catalog.judging.stale import add_pairs, new_pair
from catalog.judging.turns import Judge, decide, next_turn
from catalog.models import JudgingPair, Label
from tests.catalog.rows import add_items


def queue(count=1, *, query="noir", reason=JudgingPair.Reason.REST, **fields):
    """Pairs of one query and as many items, in the queue."""
    items = add_items(*(f"i{n}" for n in range(count)))
    add_pairs(
        pairs=[
            new_pair(
                kind=Label.Kind.RELEVANCE, query=query, item_id=item.pk,
                content_hash=item.content_hash, reason=reason, **fields,
            )
            for item in items
        ]
    )  # fmt: skip
    return list(JudgingPair.objects.order_by("pk"))


def grade(name, value, note=""):
    """One grade by a judge of that name, on what comes next; the turn."""
    judge = Judge(name=name)
    turn = next_turn(judge)
    assert turn is not None, "nothing is left"
    return decide(judge=judge, turn_id=turn.pk, outcome="graded", grade=value, note=note)


def user(name, *permissions):
    """Staff with these permissions of the catalog and no others."""
    made = User.objects.create_user(name, password="correct horse battery", is_staff=True)
    made.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return made


@pytest.fixture(autouse=True)
def no_calibration(settings):
    settings.CATALOG_CALIBRATION_SHARE = 0.0
