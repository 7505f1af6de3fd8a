"""Reading request bodies: JSON only, of a bounded size, refused before it is read."""

import json
from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import JSONParser


class TooLarge(APIException):
    """The body is larger than what one request may carry."""

    status_code = 413
    default_code = "too_large"


class LengthRequired(APIException):
    """The body came in chunks, whose sum nobody knows before it is read."""

    status_code = 411
    default_code = "length_required"
    default_detail = "Send the body with a Content-Length, not in chunks."


class StrictJSONParser(JSONParser):
    """JSON as RFC 8259 has it: no NaN, no Infinity, no 5 MB of brackets."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """The value of the body.

        Raises:
            TooLarge: the view's `max_body_bytes`, or the site's limit, is passed.
            ParseError: it is no JSON; says where.
        """
        context = parser_context or {}
        limit = getattr(context.get("view"), "max_body_bytes", settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
        length = _content_length(context)
        if length > limit:
            raise TooLarge(
                f"The body has {length:,} bytes; at most {limit:,} fit: send several requests."
            )
        try:
            return json.loads(stream.read().decode("utf-8"), parse_constant=_refuse_constant)
        except UnicodeDecodeError as error:
            raise ParseError(f"The body is not UTF-8 (byte {error.start}).") from error
        except json.JSONDecodeError as error:
            raise ParseError(
                f"The body is not JSON: {error.msg}, line {error.lineno}, column {error.colno}."
            ) from error
        except ValueError as error:
            raise ParseError(f"The body is not JSON that can be used: {error}.") from error
        except RecursionError:
            raise ParseError("The body nests values too deeply.") from None


def _content_length(context: Mapping[str, Any]) -> int:
    request = context.get("request")
    meta = request.META if request is not None else {}
    try:
        return int(meta.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON value")
