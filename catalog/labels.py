"""Writing labels: grades that people, models and LLMs give."""

from dataclasses import asdict, dataclass

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import F, Q

from catalog.errors import InvalidInput
from catalog.guidelines import guideline_of
from catalog.models import Item, Label, Person

GRADES = range(4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """How a label came about: chance of the pair to be drawn, a model's confidence and its call."""

    propensity: float | None = None
    confidence: float | None = None
    call: int | None = None


def set_label(  # noqa: PLR0913  the columns of one row, all by name
    *,
    kind: str,
    item_id: int,
    grade: int,
    source: str,
    labeller: str,
    query: str = "",
    person: Person | None = None,
    account: AbstractBaseUser | None = None,
    note: str = "",
    drawn: Drawn | None = None,
) -> Label:
    """Store one labeller's grade; a second one of the same thing replaces the first.

    Args:
        kind: Label.Kind: "relevance" of an item to `query`, or its "fit" to `person`.
        item_id: our own key of the item.
        grade: 0 bad, 1 fair, 2 good, 3 perfect.
        source: Label.Source.
        labeller: who, by name.
        query: for relevance.
        person: for fit.
        account: the account of this site that did it, if one did.
        note: why.
        drawn: how the pair was chosen, and what a model says of its own grade.
    """
    _check(kind=kind, grade=grade, source=source, query=query, person=person)
    content = Item.objects.filter(pk=item_id).values_list("content_hash", flat=True).first()
    if content is None:
        raise InvalidInput("There is no such item.", field="item_id")
    values = {
        "grade": grade, "account_id": account.pk if account else None, "note": note,
        "guideline": guideline_of(kind).version, "content_hash": content,
        **asdict(drawn or Drawn()),
    }  # fmt: skip
    with transaction.atomic():
        label, _ = Label.objects.update_or_create(
            kind=kind, item_id=item_id, source=source, labeller=labeller, query=query,
            person=person, defaults=values,
        )  # fmt: skip
    return label


def stale() -> Q:
    """Labels whose item has another text now, or whose guideline another version.

    What was imported without either is taken as it is.
    """
    condition = ~Q(content_hash="") & ~Q(content_hash=F("item__content_hash"))
    for kind in Label.Kind.values:
        version = guideline_of(kind).version
        condition |= Q(kind=kind) & ~Q(guideline="") & ~Q(guideline=version)
    return condition


def is_stale(label: Label) -> bool:
    """The same of one label; reads its item."""
    if label.content_hash and label.content_hash != label.item.content_hash:
        return True
    return bool(label.guideline) and label.guideline != guideline_of(label.kind).version


def _check(*, kind: str, grade: int, source: str, query: str, person: Person | None) -> None:
    for field, value, known in (
        ("kind", kind, Label.Kind.values), ("source", source, Label.Source.values),
    ):  # fmt: skip
        if value not in known:
            raise InvalidInput(f"'{field}' is one of {', '.join(known)}.", field=field)
    if grade not in GRADES:
        raise InvalidInput("'grade' is 0 (bad), 1, 2 or 3 (perfect).", field="grade")
    is_relevance = kind == Label.Kind.RELEVANCE
    if is_relevance and (not query or person is not None):
        raise InvalidInput("A label of relevance names a query and no person.", field="query")
    if not is_relevance and (query or person is None):
        raise InvalidInput("A label of fit names a person and no query.", field="user_id")
