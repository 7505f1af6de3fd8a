"""Reading rows that others wrote: items and events from the API and from files, checked alike.

A row is a mapping from field names to JSON values, or to text (CSV). Lists may come as text with
"|" between the values, numbers as text, times as ISO 8601 or as milliseconds since 1970.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from catalog import values
from catalog.errors import InvalidInput
from catalog.event_kinds import EventKind
from catalog.types import EventInput, ItemInput

# Names that callers may use beside our own.
ITEM_ALIASES = {
    "external_id": "id",
    "category_paths": "categories",
    "is_hidden": "hidden",
}
ITEM_FIELDS = (
    "id", "title", "description", "categories", "creators", "attributes", "image_url", "price",
    "currency", "countries", "released_on", "year", "available_from", "available_until", "hidden",
)  # fmt: skip
EVENT_ALIASES = {"type": "kind", "timestamp": "time"}
EVENT_FIELDS = (
    "kind", "item_id", "time", "user_id", "anonymous_id", "session_id", "query_id", "surface",
    "position", "value", "event_id", "properties",
)  # fmt: skip
# A column "attributes.runtime" of a flat file is the attribute "runtime".
ATTRIBUTE_PREFIX = "attributes."
KINDS = {kind.label: kind for kind in EventKind}

MAX_DESCRIPTION = 20_000
MAX_YEAR = 9999
MAX_POSITION = 32_767
FUTURE_ALLOWED = timedelta(minutes=10)  # clocks of callers differ
FIRST_TIME = datetime(1970, 1, 1, tzinfo=UTC)


def read_item(row: Mapping[str, Any]) -> ItemInput:
    """The item that a row describes.

    Raises:
        InvalidInput: its `field` names the field that is unknown, missing or cannot be used.
    """
    given = _named(row, fields=ITEM_FIELDS, aliases=ITEM_ALIASES, prefix=ATTRIBUTE_PREFIX)
    return ItemInput(
        external_id=values.identifier(given.get("id"), field="id", limit=200),
        title=values.text(given.get("title"), field="title", limit=500, required=True),
        description=values.text(
            given.get("description"), field="description", limit=MAX_DESCRIPTION, lines=True
        ),
        category_paths=_paths(given.get("categories")),
        creators=values.text_list(given.get("creators"), field="creators", limit=200),
        attributes=_attributes(given),
        image_url=values.address(given.get("image_url"), field="image_url", limit=1000),
        price=values.money(given.get("price"), field="price"),
        currency=_currency(given.get("currency")),
        countries=values.text_list(given.get("countries"), field="countries", limit=100),
        released_on=values.day(given.get("released_on"), field="released_on"),
        year=values.integer(given.get("year"), field="year", low=-MAX_YEAR, high=MAX_YEAR),
        available_from=values.moment(given.get("available_from"), field="available_from"),
        available_until=values.moment(given.get("available_until"), field="available_until"),
        is_hidden=values.boolean(given.get("hidden"), field="hidden"),
    )


def read_event(row: Mapping[str, Any], *, now: datetime) -> EventInput:
    """The event that a row describes; without a time it happened `now`.

    Raises:
        InvalidInput: its `field` names the field that is unknown, missing or cannot be used.
    """
    given = _named(row, fields=EVENT_FIELDS, aliases=EVENT_ALIASES)
    event = EventInput(
        kind=_kind(given.get("kind")),
        item_id=values.identifier(given.get("item_id"), field="item_id", limit=200),
        time=_event_time(given.get("time"), now=now),
        user_id=values.identifier(given.get("user_id"), field="user_id", limit=200, optional=True),
        **{
            name: values.identifier(given.get(name), field=name, limit=100, optional=True)
            for name in ("anonymous_id", "session_id", "event_id")
        },
        query_id=_query_id(given.get("query_id")),
        surface=values.text(given.get("surface"), field="surface", limit=40),
        position=values.integer(given.get("position"), field="position", low=1, high=MAX_POSITION),
        value=values.number(given.get("value"), field="value"),
        properties=values.flat_object(given.get("properties"), field="properties") or None,
    )
    if not event.user_id and not event.anonymous_id:
        raise InvalidInput(
            "An event names who did it: give 'user_id' or 'anonymous_id'.", field="user_id"
        )
    if event.kind == EventKind.RATING.label and event.value is None:
        raise InvalidInput("A rating needs its 'value'.", field="value")
    return event


def _named(
    row: Mapping[str, Any],
    *,
    fields: tuple[str, ...],
    aliases: Mapping[str, str],
    prefix: str = "",
) -> dict[str, Any]:
    """The row under our own names; an unknown name is refused."""
    if not isinstance(row, Mapping):
        raise InvalidInput(f"Expected an object with fields, got {values.kind_of(row)}.")
    given: dict[str, Any] = {}
    for name, value in row.items():
        own = aliases.get(name, name)
        if own not in fields and not (prefix and name.startswith(prefix)):
            raise values.unknown_field(name, allowed=(*fields, *aliases))
        if own in given:
            raise InvalidInput(f"'{name}' and '{own}' are two names of one field.", field=name)
        given[own] = value
    return given


def _paths(value: Any) -> tuple[str, ...]:
    paths = values.text_list(value, field="categories", limit=300)
    tidy = ("/".join(level.strip() for level in p.split("/") if level.strip()) for p in paths)
    return tuple(dict.fromkeys(path for path in tidy if path))


def _attributes(given: Mapping[str, Any]) -> dict[str, Any]:
    attributes = values.flat_object(given.get("attributes"), field="attributes")
    flat = {
        name.removeprefix(ATTRIBUTE_PREFIX): value
        for name, value in given.items()
        if name.startswith(ATTRIBUTE_PREFIX) and value not in (None, "")
    }
    for name, value in flat.items():
        if isinstance(value, str) and "|" in value:
            flat[name] = list(values.text_list(value, field=ATTRIBUTE_PREFIX + name, limit=2000))
    return attributes | values.flat_object(flat, field="attributes") if flat else attributes


def _currency(value: Any) -> str:
    code = values.text(value, field="currency", limit=3).upper()
    if code and not (len(code) == 3 and code.isascii() and code.isalpha()):
        raise InvalidInput("A currency is three letters, such as USD.", field="currency")
    return code


def _kind(value: Any) -> str:
    kind = values.text(value, field="kind", limit=40, required=True).lower()
    if kind not in KINDS:
        hint = values.did_you_mean(kind, KINDS)
        raise InvalidInput(
            f"Unknown kind of event '{kind}'.{hint} Kinds are: {', '.join(KINDS)}.", field="kind"
        )
    return kind


def _event_time(value: Any, *, now: datetime) -> datetime:
    time = values.moment(value, field="time")
    if time is None:
        return now
    if time > now + FUTURE_ALLOWED:
        raise InvalidInput(
            f"The event lies in the future ({time.isoformat()}): check the sender's clock.",
            field="time",
        )
    if time < FIRST_TIME:
        raise InvalidInput("The event lies before 1970.", field="time")
    return time


def _query_id(value: Any) -> str:
    text = values.identifier(value, field="query_id", limit=60, optional=True)
    if not text:
        return ""
    try:
        return str(UUID(text))
    except ValueError:
        raise InvalidInput(
            "'query_id' is the id that an answer of search or recommend carried (a UUID).",
            field="query_id",
        ) from None
