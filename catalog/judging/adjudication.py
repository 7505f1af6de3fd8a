"""Adjudication: the last word on a pair whose judges are 2 or more grades apart, or cannot say.

It is kept as a Label of the source "final", under one name whoever gave it, with their account: so
a pair has one at most, and what people said stays beside it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import connection, transaction
from django.db.models import QuerySet

from catalog.errors import Conflict, InvalidInput, NotFound
from catalog.guidelines import guideline_of
from catalog.judging.stale import add_pairs, new_pair, renew_pairs
from catalog.judging.turns import APART, NOTE_CHARACTERS
from catalog.labels import GRADES, Drawn, is_stale, set_label
from catalog.models import Judgement, JudgingPair, Label

State = JudgingPair.State
WAITING = (State.DISPUTED, State.UNSURE)
LABELLER = "adjudication"

# People's grades that came another way than through the queue: from files or the API.
_DISPUTED = """
    SELECT label.kind, label.query, label.person_id, label.item_id, item.content_hash
    FROM catalog_label AS label JOIN catalog_item AS item ON item.id = label.item_id
    JOIN (VALUES ('relevance', %(relevance)s), ('fit', %(fit)s)) AS given(kind, guideline)
        ON given.kind = label.kind
    WHERE label.source IN ('human', 'final') AND label.content_hash IN ('', item.content_hash)
      AND label.guideline IN ('', given.guideline)
      AND NOT EXISTS (
        SELECT FROM catalog_judgingpair AS pair
        WHERE pair.kind = label.kind AND pair.item_id = label.item_id
          AND pair.query = label.query AND pair.person_id IS NOT DISTINCT FROM label.person_id
      )
    GROUP BY 1, 2, 3, 4, 5
    HAVING NOT bool_or(source = 'final') AND count(*) >= %(wanted)s
       AND max(grade) - min(grade) >= %(apart)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What somebody said of a pair. `grade` is None where they could not say."""

    who: str
    source: str
    grade: int | None
    note: str
    at: datetime
    is_stale: bool


def waiting() -> QuerySet[JudgingPair]:
    """Pairs that wait for an adjudicator, the longest waiting first."""
    return JudgingPair.objects.filter(state__in=WAITING).order_by("updated_at", "pk")


def find_disputed() -> int:
    """Take in what people graded differently without the queue; how many pairs."""
    given = {
        "wanted": settings.CATALOG_JUDGES_PER_PAIR, "apart": APART,
        **{kind: guideline_of(kind).version for kind in Label.Kind.values},
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_DISPUTED, given)
        found = cursor.fetchall()
    return add_pairs(
        pairs=[
            new_pair(
                kind=kind, query=query, person_id=person_id, item_id=item_id,
                content_hash=content, reason=JudgingPair.Reason.DISAGREEMENT, state=State.DISPUTED,
            )
            for kind, query, person_id, item_id, content in found
        ]
    )  # fmt: skip


def said_of(pair: JudgingPair) -> list[Said]:
    """Everything that was said of a pair: people first, then models; what is stale is marked."""
    labels = Label.objects.filter(**_key(pair)).select_related("item")
    told = [
        Said(who=one.labeller, source=one.source, grade=one.grade, note=one.note,
             at=one.updated_at, is_stale=is_stale(one))
        for one in labels.defer("item__search_vector", "item__description", "item__keywords")
    ]  # fmt: skip
    unsure = Judgement.objects.filter(pair=pair, outcome=Judgement.Outcome.CANT_SAY)
    told += [
        Said(who=one.labeller, source=Label.Source.HUMAN, grade=None, note=one.note,
             at=one.decided_at or one.started_at, is_stale=one.round != pair.round)
        for one in unsure
    ]  # fmt: skip
    order = [Label.Source.FINAL, Label.Source.HUMAN, Label.Source.LLM, Label.Source.MODEL]
    return sorted(told, key=lambda one: (order.index(Label.Source(one.source)), one.who))


def adjudicate(
    *, pair_id: int, seen: str, account: AbstractBaseUser, grade: int | None, note: str = ""
) -> JudgingPair:
    """Give the last word on a pair; None leaves it out for good.

    Args:
        pair_id: key of the JudgingPair.
        seen: its state when the page was made: another one means that somebody was faster.
        account: whoever adjudicates.
        grade: 0 to 3, or None.
        note: why.

    Raises:
        InvalidInput: no such grade.
        NotFound: the pair went with its item or its person.
        Conflict: it is in another state now, or its item changed.
    """
    if grade is not None and grade not in GRADES:
        raise InvalidInput("'grade' is 0 (bad), 1, 2 or 3 (perfect).", field="grade")
    renew_pairs(ids=[pair_id])
    with transaction.atomic():
        pair = JudgingPair.objects.select_for_update(no_key=True).filter(pk=pair_id).first()
        if pair is None:
            raise NotFound("That item was deleted meanwhile.", field="pair")
        if pair.state != seen:
            raise Conflict(f"Meanwhile the pair is {pair.get_state_display()}: look at it again.")
        key = {**_key(pair), "source": Label.Source.FINAL, "labeller": LABELLER}
        if grade is None:
            Label.objects.filter(**key).delete()
        else:
            set_label(
                **key, grade=grade, account=account, note=note[:NOTE_CHARACTERS],
                drawn=Drawn(propensity=pair.propensity),
            )  # fmt: skip
        pair.state = State.DROPPED if grade is None else State.FINAL
        pair.save(update_fields=["state", "updated_at"])
    return pair


def _key(pair: JudgingPair) -> dict[str, Any]:
    """What all labels of the pair have in common."""
    return {
        "kind": pair.kind, "query": pair.query, "person": pair.person, "item_id": pair.item_id
    }  # fmt: skip
