"""Which column of a file is which of our fields: what the caller says, then what names suggest."""

import difflib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from catalog.errors import InvalidInput
from catalog.importers.shapes import fits, is_year, shaped
from catalog.validation import ATTRIBUTE_PREFIX, EVENT_FIELDS, ITEM_FIELDS

MAX_ATTRIBUTE_CHARACTERS = 2_000
MAX_ATTRIBUTE_NAME = 60
# Names that other catalogs use, each list best first. Compared in lower case, with "_" for
# everything that is no letter or digit.
ITEM_NAMES: dict[str, tuple[str, ...]] = {
    "id": (
        "id", "external_id", "item_id", "itemid", "sku", "asin", "parent_asin", "product_id",
        "productid", "movie_id", "movieid", "film_id", "isbn", "isbn13", "ean", "gtin", "uid",
    ),
    "title": ("title", "name", "product_name", "product_title", "item_name", "label"),
    "description": ("description", "overview", "summary", "synopsis", "plot", "abstract"),
    "categories": (
        "categories", "category_paths", "category", "genres", "genre", "main_category",
        "category_path", "department", "departments",
    ),
    "creators": (
        "creators", "creator", "brand", "brands", "director", "directors", "author", "authors",
        "artist", "artists", "manufacturer", "maker",
    ),
    "attributes": ("attributes",),
    "image_url": ("image_url", "image", "imageurl", "image_link", "thumbnail", "poster", "imurl"),
    "price": ("price", "list_price", "unit_price"),
    "currency": ("currency", "currency_code"),
    "countries": ("countries", "country", "country_of_origin"),
    "released_on": ("released_on", "release_date", "released", "date", "published_on", "published"),
    "year": ("year", "release_year"),
    "available_from": ("available_from",),
    "available_until": ("available_until",),
    "hidden": ("hidden", "is_hidden"),
}  # fmt: skip
EVENT_NAMES: dict[str, tuple[str, ...]] = {
    "kind": ("kind", "type", "event_type", "event", "action", "action_name"),
    "item_id": ("item_id", *ITEM_NAMES["id"][3:], "item"),
    "time": ("time", "timestamp", "date", "created_at", "datetime", "ts"),
    "user_id": ("user_id", "userid", "user", "customer_id", "person", "reviewerid"),
    "anonymous_id": ("anonymous_id", "client_id", "visitor_id", "visitorid", "device_id"),
    "session_id": ("session_id", "sessionid", "session"),
    "query_id": ("query_id",),
    "surface": ("surface",),
    "position": ("position", "rank"),
    "value": ("value", "rating", "overall", "amount", "quantity"),
    "event_id": ("event_id", "id", "uuid"),
    "properties": ("properties",),
}
LIST_FIELDS = ("categories", "creators", "countries")


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnMapping:
    """What the caller says about the columns.

    fields: our field -> their column. splits: our field -> what stands between its values.
    attributes: columns that become attributes, whatever their names suggest. constants: our field
    -> a value that every row has. is_strict: refuse columns that are none of the above.
    """

    fields: Mapping[str, str] = field(default_factory=dict)
    splits: Mapping[str, str] = field(default_factory=dict)
    attributes: Sequence[str] = ()
    constants: Mapping[str, str] = field(default_factory=dict)
    is_strict: bool = False

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values, for a job's parameters."""
        values: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return values


def parse_pairs(pairs: Iterable[str], *, option: str) -> dict[str, str]:
    """Pairs as a mapping: "title=Name" gives {"title": "Name"}.

    Raises:
        InvalidInput: a pair has no "=", or a name stands twice.
    """
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        name = name.strip()
        if not equals or not name or not value:
            raise InvalidInput(f"Write {option} FIELD=VALUE, not '{pair}'.", field=option)
        if name in found:
            raise InvalidInput(f"{option} names '{name}' twice.", field=option)
        found[name] = value
    return found


class Columns:
    """Turns rows of a file into rows of our fields, and remembers what it did with each column."""

    def __init__(self, names: Iterable[str], *, mapping: ColumnMapping, is_event: bool) -> None:
        self._mapping = mapping
        self._known = EVENT_NAMES if is_event else ITEM_NAMES
        self._fields: tuple[str, ...] = EVENT_FIELDS if is_event else ITEM_FIELDS
        self._rest = "properties" if is_event else "attributes"
        names = list(names)
        self._check_mapping(names)
        self._ours = self._assign(names)
        self.kept: dict[str, None] = {}  # columns that are none of our fields, kept as attributes
        self.cut: dict[str, int] = {}  # columns with values that had to be cut, and how many
        # Columns whose name suggests a field that some of their values do not fit, and how many.
        self.unfit: dict[str, int] = {}
        for name in names:
            if name not in self._ours:
                self._keep(name)

    @property
    def fields(self) -> dict[str, str]:
        """Our field -> their column."""
        return {ours: theirs for theirs, ours in self._ours.items()}

    def suggested(self, name: str) -> str:
        """The field that a column is read as."""
        return self._ours[name]

    def require(self, *fields: str) -> None:
        """Check that these fields can be found.

        Raises:
            InvalidInput: says which are missing, which columns there are, and how to map them.
        """
        missing = [f for f in fields if f not in self.fields and f not in self._mapping.constants]
        if not missing:
            return
        there = ", ".join([*self._ours, *self.kept]) or "none"
        raise InvalidInput(
            f"No column for {' and '.join(repr(f) for f in missing)}. The columns are: {there}. "
            f"Say which it is: --map {missing[0]}=COLUMN",
            field=missing[0],
        )

    def read(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """One row, by our field names."""
        row: dict[str, Any] = dict(self._mapping.constants)
        rest: dict[str, Any] = {}
        for name, value in values.items():
            ours = self._ours.get(name)
            if ours is not None:
                value = shaped(ours, self._split(ours, value))
                if not self._is_guess(name, ours) or fits(ours, value):
                    row[ours] = value
                    continue
                self._tell_unfit(name, ours, value, row)
            elif name not in self.kept and value not in (None, "", [], {}):
                self._keep(name)
            if value not in (None, "", [], {}):
                rest |= self._flat(_attribute_name(name), value)
        if rest:
            given = row.get(self._rest)
            # Attributes that are given as such win over a column of the same name.
            row[self._rest] = {**rest, **_object(given)} if given else rest
        return row

    def _check_mapping(self, names: Sequence[str]) -> None:
        said = self._mapping
        for ours in [*said.fields, *said.splits, *said.constants]:
            if ours not in self._fields:
                raise InvalidInput(
                    f"We have no field '{ours}'.{_near(ours, self._fields)} Fields are: "
                    f"{', '.join(self._fields)}.",
                    field="map",
                )
        for theirs in [*said.fields.values(), *said.attributes]:
            if theirs not in names:
                raise InvalidInput(
                    f"There is no column '{theirs}'.{_near(theirs, names)} The columns are: "
                    f"{', '.join(names)}.",
                    field="map",
                )

    def _assign(self, names: Sequence[str]) -> dict[str, str]:
        ours = {theirs: own for own, theirs in self._mapping.fields.items()}
        taken = set(self._mapping.fields) | set(self._mapping.constants)
        free = {
            _plain(name): name
            for name in reversed(names)
            if name not in ours and name not in self._mapping.attributes
        }
        for own, candidates in self._known.items():
            found = next((free[c] for c in candidates if c in free), None)
            if own not in taken and found is not None and found not in ours:
                ours[found] = own
        return ours

    def _keep(self, name: str) -> None:
        if self._mapping.is_strict and name not in self._mapping.attributes:
            raise InvalidInput(
                f"Column '{name}' is none of our fields.{_near(name, self._fields)} Map it, name "
                "it with --attribute, or leave --strict out to keep it as an attribute.",
                field=name,
            )
        self.kept[name] = None

    def _is_guess(self, name: str, ours: str) -> bool:
        """Whether only the column's name suggests the field: not said, and not our own name."""
        return ours not in self._mapping.fields and _plain(name) != ours

    def _tell_unfit(self, name: str, ours: str, value: Any, row: dict[str, Any]) -> None:
        """A value of such a column stays as an attribute; a year in place of a date is used."""
        self.unfit[name] = self.unfit.get(name, 0) + 1
        if ours == "released_on" and is_year(value) and "year" not in self.fields:
            row.setdefault("year", str(value))

    def _split(self, ours: str, value: Any) -> Any:
        separator = self._mapping.splits.get(ours)
        if separator and isinstance(value, str):
            return [part.strip() for part in value.split(separator) if part.strip()]
        return value

    def _flat(self, name: str, value: Any) -> dict[str, Any]:
        """A value fit to be an attribute: objects one level down, long texts cut, and told so."""
        if isinstance(value, Mapping):
            flat: dict[str, Any] = {}
            for key, part in value.items():
                if not isinstance(part, Mapping) and part not in (None, "", []):
                    flat |= self._flat(_attribute_name(f"{name}.{key}"), part)
            return flat
        if isinstance(value, str) and len(value) > MAX_ATTRIBUTE_CHARACTERS:
            self.cut[name] = self.cut.get(name, 0) + 1
            return {name: value[: MAX_ATTRIBUTE_CHARACTERS - 1] + "\u2026"}
        if isinstance(value, list) and any(isinstance(part, Mapping | list) for part in value):
            self.cut[name] = self.cut.get(name, 0) + 1
            return {}
        return {name: value if isinstance(value, str | int | float | list) else str(value)}


def _attribute_name(name: str) -> str:
    return name.strip().removeprefix(ATTRIBUTE_PREFIX)[:MAX_ATTRIBUTE_NAME].strip()


def _object(value: Any) -> Mapping[str, Any]:
    """Attributes that are given as an object, or as text with one; anything else is not ours."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            value = None
    if not isinstance(value, Mapping):
        raise InvalidInput("'attributes' must be a JSON object.", field="attributes")
    return value


def _plain(name: str) -> str:
    return re.sub(r"[^0-9a-z]+", "_", name.casefold()).strip("_")


def _near(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" Did you mean '{near[0]}'?" if near else ""
