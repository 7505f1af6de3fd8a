"""Errors as problem documents (RFC 9457): what happened, what to do, which field."""

import http
import logging
from collections.abc import Callable, Mapping
from typing import Any

from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.core.signals import got_request_exception
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from psycopg_pool import PoolTimeout
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from catalog.errors import ProjectError

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
ERROR_PAGE = "/api/v1/docs/errors"
RETRY_AFTER_SECONDS = 5

# Codes of the framework's errors, where its own say too little. docs/errors.md explains them all.
CODES = {
    400: "bad_request",
    401: "not_authenticated",
    403: "not_allowed",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    411: "length_required",
    413: "too_large",
    415: "unsupported_media_type",
    429: "too_many_requests",
    500: "internal_error",
    503: "unavailable",
}


# What is said of errors that Django meets before or outside an API view.
EARLY = {
    400: "The request cannot be read: check its address and its Host header.",
    403: "This is not allowed.",
    404: "There is nothing under this address.",
    500: "This is our error, and it was logged. Name the request_id.",
}


def problem_response(error: Exception, context: Mapping[str, Any]) -> Response:
    """The answer to any error of an API view; none leaves as a trace or as a page."""
    set_rollback()
    request: HttpRequest | None = context.get("request")
    status, code, detail, errors = _describe(error)
    if status == 500:
        logger.error("API request failed", exc_info=error)
        got_request_exception.send(sender=type(context.get("view")), request=request)
    body = document(
        status=status, code=code, detail=detail, errors=errors,
        instance=request.path if request else "",
        request_id=getattr(request, "request_id", ""),
    )  # fmt: skip
    response = Response(body, status=status, content_type=MEDIA_TYPE)
    for name, value in _headers(error, request, status).items():
        response[name] = value
    return response


def document(
    *,
    status: int,
    code: str,
    detail: str,
    errors: list[dict[str, str]] | None = None,
    instance: str = "",
    request_id: str = "",
) -> dict[str, Any]:
    """A problem document."""
    body: dict[str, Any] = {
        "type": f"{ERROR_PAGE}#{code}",
        "title": http.HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
    }
    if instance:
        body["instance"] = instance
    if request_id:
        body["request_id"] = request_id
    if errors:
        body["errors"] = errors
    return body


def problem_page(request: HttpRequest, *, status: int, detail: str, code: str = "") -> HttpResponse:
    """A problem document for errors met outside API views (config/urls.py's handlers)."""
    body = document(
        status=status, code=code or CODES[status], detail=detail, instance=request.path,
        request_id=getattr(request, "request_id", ""),
    )  # fmt: skip
    return JsonResponse(body, status=status, content_type=MEDIA_TYPE)


def page_or_problem(status: int, page: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """An error handler for config/urls.py: a problem document below /api/, else the page."""

    def handler(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.path.startswith("/api/"):
            return problem_page(request, status=status, detail=EARLY[status])
        return page(request, *args, **kwargs)

    return handler


def unknown_path(request: HttpRequest) -> HttpResponse:
    """404 for a path below /api/ that nothing answers; the last line of the API's URL map."""
    return problem_page(
        request, status=404, detail="The API has no such path. See /api/v1/docs for those it has."
    )


def _describe(error: Exception) -> tuple[int, str, str, list[dict[str, str]]]:
    """Status, code, detail and the fields of an error."""
    if isinstance(error, ProjectError):
        return (
            error.http_status,
            error.code,
            error.detail,
            _errors({error.field: [error.detail]} if error.field else {}),
        )
    if isinstance(error, exceptions.ValidationError):
        errors = _errors(error.detail)
        return 400, "invalid_input", _sentence(errors), errors
    if isinstance(error, exceptions.APIException):
        status = error.status_code
        code = error.default_code if error.default_code in OWN_CODES else ""
        return status, code or CODES.get(status, "error"), str(error.detail), []
    return _describe_foreign(error)


# default_code of our own APIException classes (catalog/api/parsers.py) and of the parser's error.
OWN_CODES = {"parse_error", "too_large", "length_required"}


FOREIGN: tuple[tuple[type[Exception], int, str], ...] = (
    (Http404, 404, "There is nothing under this address."),
    (DjangoPermissionDenied, 403, "This is not allowed."),
    (RequestDataTooBig, 413, "The body is larger than 5 MB: send several requests."),
    (SuspiciousOperation, 400, "The request cannot be read."),
    (OperationalError, 503, "The database cannot be reached. Try again."),
    (InterfaceError, 503, "The database cannot be reached. Try again."),
    (PoolTimeout, 503, "The database is busy. Try again."),
    (Exception, 500, "This is our error, and it was logged. Name the request_id."),
)


def _describe_foreign(error: Exception) -> tuple[int, str, str, list[dict[str, str]]]:
    status, detail = next((found[1], found[2]) for found in FOREIGN if isinstance(error, found[0]))
    return status, CODES[status], detail, []


def _headers(error: Exception, request: HttpRequest | None, status: int) -> dict[str, str]:
    headers = dict(getattr(request, "rate_headers", {}))
    if authenticate := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = authenticate
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(int(wait))
    elif status == 503:
        headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return headers


def _errors(detail: Any, path: str = "") -> list[dict[str, str]]:
    """Each message with the field it is about, nested ones with dots: "items.3.title"."""
    if isinstance(detail, Mapping):
        found = []
        for name, part in detail.items():
            inner = path if name == "non_field_errors" else f"{path}.{name}" if path else str(name)
            found += _errors(part, inner)
        return found
    if isinstance(detail, list | tuple):
        return [entry for part in detail for entry in _errors(part, path)]
    # The whole body has the empty pointer.
    pointer = "".join(f"/{part}" for part in path.split(".")) if path else ""
    return [{"field": path, "pointer": pointer, "detail": str(detail)}]


def _sentence(errors: list[dict[str, str]]) -> str:
    if not errors:
        return "The request cannot be used."
    first = errors[0]
    more = f" And {len(errors) - 1} more." if len(errors) > 1 else ""
    where = f"{first['field']}: " if first["field"] else ""
    return f"{where}{first['detail']}{more}"
