"""A rule as an editor states it, checked; what cannot be one is refused at its field."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Self

from catalog.errors import InvalidInput
from catalog.filters import COLUMNS, parse_filters
from catalog.models import Item
from catalog.values import check_storable
from search.models import Rule
from search.rule_items import read_items
from search.rule_patterns import read_patterns
from search.rule_targets import read_target
from search.rules import ActiveRule, current_rules

MAX_NAME = 120
MAX_TEXT = 300
MAX_POSITION = 100
MOST_PRIORITY = 1_000
# Columns of a rule, and the names of the facets that they filter by.
FACETS = {"categories": "category", "creators": "creator", "countries": "country"}
_MOVED = frozenset({"items", *FACETS})
_USES = {
    Rule.Action.PIN: frozenset({"items"}),
    Rule.Action.BOOST: _MOVED,
    Rule.Action.BURY: _MOVED,
    Rule.Action.HIDE: _MOVED,
    Rule.Action.REDIRECT: frozenset({"target"}),
    Rule.Action.BANNER: frozenset({"text", "target"}),
}
_OPTIONAL = frozenset.union(*_USES.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleInput:
    """What a rule states. Patterns are in normal form, items are known, the target is here."""

    name: str
    match: str
    patterns: tuple[str, ...]
    action: str
    item_ids: tuple[int, ...]
    position: int
    categories: tuple[str, ...]
    creators: tuple[str, ...]
    countries: tuple[str, ...]
    target: str
    text: str
    starts_at: datetime | None
    ends_at: datetime | None
    priority: int

    @classmethod
    def read(cls, stated: Mapping[str, Any], *, rule_id: int = 0) -> Self:
        """What was stated: names of fields with their values, `items` and lists as lines.

        Args:
            stated: by name; what is missing is empty, and what its action has no use for is left
                out.
            rule_id: of the stored rule that this replaces, 0 for a new one.

        Raises:
            InvalidInput: names the field, and says what is wrong with it.
        """
        match = _choice(stated, "match", Rule.Match.values)
        action = _choice(stated, "action", Rule.Action.values)
        starts_at, ends_at = stated.get("starts_at"), stated.get("ends_at")
        if starts_at and ends_at and ends_at <= starts_at:
            raise InvalidInput("It ends before it starts.", field="ends_at")
        _refuse_pair(match, action)
        stated = _used(stated)
        found = cls(
            name=_text(stated, "name", MAX_NAME, required=True),
            match=match,
            patterns=read_patterns(match, stated.get("patterns") or ()),
            action=action,
            item_ids=_items(action, stated),
            position=_number(stated, "position", 1, 1, MAX_POSITION),
            target=read_target(stated.get("target") or ""),
            text=_text(stated, "text", MAX_TEXT, required=action == Rule.Action.BANNER),
            starts_at=starts_at,
            ends_at=ends_at,
            priority=_number(stated, "priority", 0, -MOST_PRIORITY, MOST_PRIORITY),
            **_filters(stated),
        )
        found._check(rule_id)
        return found

    def columns(self) -> dict[str, Any]:
        """Values by column of Rule."""
        found = {each.name: getattr(self, each.name) for each in fields(self)}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in found.items()}

    def _check(self, rule_id: int) -> None:
        is_moving = self.action in (Rule.Action.BOOST, Rule.Action.BURY, Rule.Action.HIDE)
        if is_moving and not (self.item_ids or any(getattr(self, name) for name in FACETS)):
            raise InvalidInput("State items, or a category, a creator or a country.", field="items")
        if self.action == Rule.Action.REDIRECT:
            self._check_redirect(rule_id)

    def _check_redirect(self, rule_id: int) -> None:
        if not self.target:
            raise InvalidInput("State where it leads.", field="target")
        own = ActiveRule.of(Rule(pk=rule_id, **self.columns()))
        if current_rules().having(own).end_of(own) is None:
            raise InvalidInput(
                "It leads back to a search that is redirected here. Add &verbatim=1 to its"
                " address to end there.",
                field="target",
            )


def _choice(stated: Mapping[str, Any], field: str, values: list[str]) -> str:
    chosen = str(stated.get(field) or "")
    if chosen not in values:
        raise InvalidInput(f"'{field}' is one of {', '.join(values)}.", field=field)
    return chosen


def _text(stated: Mapping[str, Any], field: str, most: int, *, required: bool = False) -> str:
    text = " ".join(str(stated.get(field) or "").split())
    check_storable(text, field=field)
    if required and not text:
        raise InvalidInput("Something has to stand here.", field=field)
    if len(text) > most:
        raise InvalidInput(f"{len(text):,} characters; at most {most} fit.", field=field)
    return text


def _number(stated: Mapping[str, Any], field: str, default: int, low: int, high: int) -> int:
    given = stated.get(field)
    number = default if given is None or given == "" else int(given)
    if not low <= number <= high:
        raise InvalidInput(f"A whole number from {low:,} to {high:,}.", field=field)
    return number


def _items(action: str, stated: Mapping[str, Any]) -> tuple[int, ...]:
    items = read_items(stated.get("items") or ())
    if action == Rule.Action.PIN and not items:
        raise InvalidInput(
            "State the items to pin, one a line, the first one first.", field="items"
        )
    if action == Rule.Action.PIN and (hidden := [item for item in items if item.is_hidden]):
        raise InvalidInput(
            f"{hidden[0].title!r} is hidden: a pin could not show it. Let it appear again first.",
            field="items",
        )
    return tuple(item.pk for item in items)


def _filters(stated: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    found = {}
    for column, facet in FACETS.items():
        try:
            filters = parse_filters({facet: stated.get(column) or ()})
        except InvalidInput as error:
            raise InvalidInput(error.detail, field=column) from error
        found[column] = getattr(filters, facet)
        for value in found[column]:
            if not Item.objects.filter(**{f"{COLUMNS[facet]}__contains": [value]}).exists():
                raise InvalidInput(f"No item has the {facet} {value!r}.", field=column)
    return found


def _used(stated: Mapping[str, Any]) -> dict[str, Any]:
    """What its action makes use of: the form hides the rest, so that nobody could empty it."""
    used = _USES[Rule.Action(str(stated["action"]))]
    return {name: value for name, value in stated.items() if name in used or name not in _OPTIONAL}


def _refuse_pair(match: str, action: str) -> None:
    if match == Rule.Match.EVERY and action == Rule.Action.REDIRECT:
        raise InvalidInput("Then nobody could search any more: name the queries.", field="match")
    ordering = (Rule.Action.PIN, Rule.Action.BOOST, Rule.Action.BURY)
    if match == Rule.Match.BROWSE and action in ordering:
        raise InvalidInput(
            "Browsing has no best match to move things in: hide, redirect or show a banner.",
            field="action",
        )
