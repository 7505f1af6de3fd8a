"""Cursor pages: stable while rows come and go, and as fast on page 1,000 as on page 1."""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Field, Model, Q, QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.errors import InvalidInput

DEFAULT_LIMIT = 50
MAX_LIMIT = 200
MAX_CURSOR_CHARACTERS = 500
PAGE_PARAMETERS = ("cursor", "limit")


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows, and where the next ones begin ("" at the end)."""

    rows: list[Any]
    next_cursor: str


class PageInput(serializers.Serializer[Any]):
    """The parameters of every list."""

    cursor = serializers.CharField(
        required=False, default="", allow_blank=True, max_length=MAX_CURSOR_CHARACTERS,
        help_text="`next_cursor` of the page before.",
    )  # fmt: skip
    limit = serializers.IntegerField(
        required=False, default=DEFAULT_LIMIT, min_value=1, max_value=MAX_LIMIT
    )


def cursor_page(
    rows: QuerySet[Any], *, by: Sequence[str], cursor: str, limit: int, descending: bool = False
) -> Page:
    """The `limit` rows after the cursor, ordered by columns that together are unique.

    Raises:
        InvalidInput: the cursor is none of ours.
    """
    ordered = rows.order_by(*(f"-{name}" if descending else name for name in by))
    if cursor:
        ordered = ordered.filter(_after(_decode(cursor, rows.model, by), by, descending))
    found = list(ordered[: limit + 1])
    if len(found) <= limit:
        return Page(found, "")
    return Page(found[:limit], _encode([getattr(found[limit - 1], name) for name in by]))


def page_response(
    request: Request,
    rows: QuerySet[Any],
    *,
    name: str,
    as_json: Callable[[Any], dict[str, Any]],
    wanted: Mapping[str, Any],
    newest_first: bool = False,
) -> Response:
    """A list's answer: a page of the rows under `name`, `next_cursor`, a Link to the next page.

    Args:
        request: whose address the Link has.
        rows: all of them, filtered as asked.
        name: of the list in the answer.
        as_json: a row in the shape of its serializer.
        wanted: `cursor` and `limit`, as `PageInput` gave them.
        newest_first: by `created_at`; else in the order of their keys.
    """
    by = ("created_at", "id") if newest_first else ("pk",)
    page = cursor_page(
        rows, by=by, cursor=wanted["cursor"], limit=wanted["limit"], descending=newest_first
    )
    answer = {name: [as_json(row) for row in page.rows], "next_cursor": page.next_cursor or None}
    response = Response(answer)
    if page.next_cursor:
        params = request.query_params.copy()
        params["cursor"] = page.next_cursor
        query = urlencode(params, doseq=True) if isinstance(params, dict) else params.urlencode()
        response["Link"] = f'<{request.build_absolute_uri(request.path)}?{query}>; rel="next"'
    return response


def _after(place: list[Any], by: Sequence[str], descending: bool) -> Q:
    """Rows behind the place: a > x, or a = x and b > y, ..."""
    comparison = "lt" if descending else "gt"
    condition = Q()
    for depth, name in enumerate(by):
        same = dict(zip(by[:depth], place[:depth], strict=True))
        condition |= Q(**same, **{f"{name}__{comparison}": place[depth]})
    return condition


def _column(model: type[Model], name: str) -> "Field[Any, Any]":
    return model._meta.pk if name == "pk" else model._meta.get_field(name)  # type: ignore[return-value]


def _encode(place: list[Any]) -> str:
    text = json.dumps(place, cls=DjangoJSONEncoder, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode(cursor: str, model: type[Model], by: Sequence[str]) -> list[Any]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        place = json.loads(base64.urlsafe_b64decode(padded.encode("ascii")))
        if not isinstance(place, list) or len(place) != len(by):
            raise ValueError("another list's cursor")
        if None in place:
            raise ValueError("no row's place")
        return [_column(model, name).to_python(part) for name, part in zip(by, place, strict=True)]
    except (ValueError, TypeError, ValidationError, RecursionError):
        raise InvalidInput(
            "This cursor is none of ours: begin again without it.", field="cursor"
        ) from None
