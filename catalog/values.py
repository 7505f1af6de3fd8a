"""Reading single values that others wrote: each function returns one type or names the field."""

import difflib
import json
import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from catalog.errors import InvalidInput

LIST_SEPARATOR = "|"
MAX_LIST = 200
MAX_KEYS = 100
MAX_KEY = 60
MAX_ATTRIBUTE = 2000
MAX_OBJECT_CHARACTERS = 32_768
MAX_MONEY = Decimal("9999999999.99")
MAX_NUMBER = 1e15
# Milliseconds below this are before April 1973: almost surely seconds.
LEAST_MILLISECONDS = 10**11
MAX_MILLISECONDS = 10**14

# What PostgreSQL cannot store: NUL, and halves of surrogate pairs.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_CONTROL = re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SPACES = re.compile(r"\s+")
_TRUE = {"true", "yes", "1", "t", "y"}
_FALSE = {"false", "no", "0", "f", "n"}


def text(value: Any, *, field: str, limit: int, required: bool = False, lines: bool = False) -> str:
    """Text without control characters at its ends or within; `lines` keeps line breaks."""
    if value is None:
        value = ""
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise InvalidInput(f"'{field}' must be text, got {kind_of(value)}.", field=field)
    check_storable(value, field=field)
    tidy = _CONTROL.sub(" ", value).strip() if lines else _SPACES.sub(" ", _spaced(value)).strip()
    if required and not tidy:
        raise InvalidInput(f"'{field}' is required.", field=field)
    if len(tidy) > limit:
        raise InvalidInput(
            f"'{field}' has {len(tidy):,} characters; at most {limit:,} fit.", field=field
        )
    return tidy


def identifier(value: Any, *, field: str, limit: int, optional: bool = False) -> str:
    """An id as it is: nothing is changed within it, so what cannot stay is refused."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if value is None or value == "":
        if optional:
            return ""
        raise InvalidInput(f"'{field}' is required.", field=field)
    if not isinstance(value, str):
        raise InvalidInput(f"'{field}' must be text, got {kind_of(value)}.", field=field)
    check_storable(value, field=field)
    if value != value.strip() or _CONTROL.search(value) or any(c in value for c in "\t\r\n"):
        raise InvalidInput(
            f"'{field}' holds a control character or begins or ends with a space.", field=field
        )
    if len(value) > limit:
        raise InvalidInput(
            f"'{field}' has {len(value):,} characters; at most {limit:,} fit.", field=field
        )
    return value


def text_list(value: Any, *, field: str, limit: int) -> tuple[str, ...]:
    """Different texts in order, from a list or from text with "|" between them."""
    if value is None or value == "":
        return ()
    if isinstance(value, str):
        value = value.split(LIST_SEPARATOR)
    if not isinstance(value, list | tuple):
        raise InvalidInput(f"'{field}' must be a list of texts, got {kind_of(value)}.", field=field)
    if len(value) > MAX_LIST:
        raise InvalidInput(f"'{field}' has more than {MAX_LIST} values.", field=field)
    found = (text(part, field=field, limit=limit) for part in value)
    return tuple(dict.fromkeys(part for part in found if part))


def integer(value: Any, *, field: str, low: int, high: int) -> int | None:
    """A whole number between the two, None where nothing is given."""
    found = number(value, field=field)
    if found is None:
        return None
    if found != int(found):
        raise InvalidInput(f"'{field}' must be a whole number.", field=field)
    if not low <= found <= high:
        raise InvalidInput(f"'{field}' must lie between {low} and {high}.", field=field)
    return int(found)


def number(value: Any, *, field: str) -> float | None:
    """A finite number, None where nothing is given."""
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise InvalidInput(f"'{field}' must be a number, got {kind_of(value)}.", field=field)
    try:
        found = float(value)
    except (ValueError, OverflowError):
        found = math.nan
    if not math.isfinite(found) or abs(found) > MAX_NUMBER:
        raise InvalidInput(f"'{field}' is no number that can be stored.", field=field)
    return found


def money(value: Any, *, field: str) -> Decimal | None:
    """An amount of at least 0, rounded to two places; None where nothing is given."""
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise InvalidInput(f"'{field}' must be a number, got {kind_of(value)}.", field=field)
    try:
        amount = Decimal(str(value).strip())
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or not 0 <= amount <= MAX_MONEY:
        raise InvalidInput(f"'{field}' must be a number from 0 to {MAX_MONEY}.", field=field)
    return amount.quantize(Decimal("0.01"))


def boolean(value: Any, *, field: str) -> bool:
    """True or False; False where nothing is given."""
    if value is None or value == "":
        return False
    word = str(value).strip().lower()
    if isinstance(value, bool | int | str) and word in _TRUE | _FALSE:
        return word in _TRUE
    raise InvalidInput(f"'{field}' must be true or false.", field=field)


def day(value: Any, *, field: str) -> date | None:
    """A date from YYYY-MM-DD, None where nothing is given."""
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value.strip()[:10])
    except (ValueError, AttributeError):
        raise InvalidInput(f"'{field}' must be a date: YYYY-MM-DD.", field=field) from None


def moment(value: Any, *, field: str) -> datetime | None:
    """An aware time from ISO 8601 (UTC where no zone is given) or milliseconds since 1970."""
    if value is None or value == "":
        return None
    if isinstance(value, str) and value.strip().lstrip("-").isdecimal():
        value = int(value.strip()[:20])
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _from_milliseconds(value, field=field)
    try:
        found = value if isinstance(value, datetime) else datetime.fromisoformat(value.strip())
        found = found if found.tzinfo else found.replace(tzinfo=UTC)
        return found.astimezone(UTC)
    except (ValueError, AttributeError, OverflowError):
        raise InvalidInput(
            f"'{field}' must be a time: ISO 8601 such as 2026-01-31T12:00:00Z, "
            "or milliseconds since 1970.",
            field=field,
        ) from None


def flat_object(value: Any, *, field: str) -> dict[str, Any]:
    """An object whose values are text, numbers, booleans or lists of them."""
    if value is None or value == "":
        return {}
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise InvalidInput(f"'{field}' must be a JSON object.", field=field) from None
    if not isinstance(value, Mapping):
        raise InvalidInput(f"'{field}' must be an object, got {kind_of(value)}.", field=field)
    if len(value) > MAX_KEYS:
        raise InvalidInput(f"'{field}' has more than {MAX_KEYS} keys.", field=field)
    found = {
        identifier(key, field=field, limit=MAX_KEY): _leaf(part, field=f"{field}.{key}"[:100])
        for key, part in value.items()
    }
    if len(json.dumps(found)) > MAX_OBJECT_CHARACTERS:
        raise InvalidInput(
            f"'{field}' is longer than {MAX_OBJECT_CHARACTERS:,} characters.", field=field
        )
    return {key: part for key, part in found.items() if part is not None}


def check_storable(value: str, *, field: str) -> None:
    """Refuse text that PostgreSQL cannot hold."""
    if _UNSTORABLE.search(value):
        raise InvalidInput(
            f"'{field}' holds a NUL character or half a surrogate pair: remove it.", field=field
        )


def unknown_field(name: object, *, allowed: Iterable[str]) -> InvalidInput:
    """The error for a field that does not exist, with the nearest one that does."""
    shown = str(name)[:60].encode(errors="replace").decode()
    names = list(allowed)
    return InvalidInput(
        f"Unknown field '{shown}'.{did_you_mean(shown, names)} Fields are: {', '.join(names)}.",
        field=shown,
    )


def unknown_parameter(name: object, *, allowed: Iterable[str]) -> InvalidInput:
    """The error for a parameter of the address that is not read, with the nearest one that is."""
    shown = str(name)[:60].encode(errors="replace").decode()
    names = list(allowed)
    told = f"Parameters are: {', '.join(names)}." if names else "None is read here."
    return InvalidInput(
        f"Unknown parameter '{shown}'.{did_you_mean(shown, names)} {told}", field=shown
    )


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A sentence with the nearest known word, or nothing."""
    near = difflib.get_close_matches(word, list(known), n=1)
    return f" Did you mean '{near[0]}'?" if near else ""


def kind_of(value: object) -> str:
    """What a JSON value is, in words."""
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false"}
    if value is None:
        return "nothing"
    return names.get(
        type(value), "a number" if isinstance(value, int | float) else "something else"
    )


def _leaf(value: Any, *, field: str) -> Any:
    if isinstance(value, list | tuple):
        if len(value) > MAX_LIST:
            raise InvalidInput(f"'{field}' has more than {MAX_LIST} values.", field=field)
        return [_scalar(part, field=field) for part in value if part is not None]
    return _scalar(value, field=field)


def _scalar(value: Any, *, field: str) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return text(value, field=field, limit=MAX_ATTRIBUTE, lines=True)
    if isinstance(value, int | float | Decimal):
        number(value, field=field)
        return float(value) if isinstance(value, Decimal) else value
    raise InvalidInput(
        f"'{field}' must be text, a number, or a list of them, got {kind_of(value)}.", field=field
    )


def _spaced(value: str) -> str:
    return _CONTROL.sub(" ", value)


def _from_milliseconds(value: float, *, field: str) -> datetime:
    if not -MAX_MILLISECONDS < value < MAX_MILLISECONDS:  # false for NaN too
        raise InvalidInput(f"'{field}' is no time in milliseconds since 1970.", field=field)
    if 0 < value < LEAST_MILLISECONDS:
        raise InvalidInput(
            f"'{field}' looks like seconds: send milliseconds since 1970.", field=field
        )
    return datetime.fromtimestamp(value / 1000, tz=UTC)


def address(value: Any, *, field: str, limit: int) -> str:
    """A web address, or a path on this site."""
    found = text(value, field=field, limit=limit)
    if found and (not found.startswith(("http://", "https://", "/")) or found.startswith("//")):
        raise InvalidInput(f"'{field}' must begin with https://, http:// or /.", field=field)
    return found
