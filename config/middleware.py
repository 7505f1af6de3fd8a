"""What every request passes: its id, its catalog, and answers for those that cannot be served."""

import json
import logging
import re
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from http import HTTPStatus
from urllib.parse import unquote_plus

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.request import split_domain_port
from django.shortcuts import render

from catalog import directory, scope
from catalog.api.authentication import sent_secret
from catalog.keys import catalog_of

logger = logging.getLogger(__name__)
RETRY_AFTER_SECONDS = 5
_QUERY = re.compile(r"(?:^|&)q=([^&]*)")
_REQUEST_ID = re.compile(r"^[A-Za-z0-9._-]{1,64}$")

AWAY = (OperationalError, InterfaceError)

GetResponse = Callable[[HttpRequest], HttpResponse]
HEALTH = "/api/v1/health/"


class RequestIdMiddleware:
    """Gives each request an id, the caller's own where it sent one, and echoes it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer with X-Request-Id set."""
        sent = request.headers.get("X-Request-Id", "")
        request.request_id = sent if _REQUEST_ID.match(sent) else uuid.uuid4().hex  # type: ignore[attr-defined]
        response = self.get_response(request)
        response["X-Request-Id"] = request.request_id  # type: ignore[attr-defined]
        return response


class UnavailableMiddleware:
    """Turns a database that is away into 503 with Retry-After, in JSON below /api/."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer; what another middleware raised Django hands to handler500 (config/urls.py)."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """503 where a view lost the database; None leaves other errors alone."""
        return self.unavailable(request, error) if isinstance(error, AWAY) else None

    @staticmethod
    def unavailable(request: HttpRequest, error: Exception) -> HttpResponse:
        """The 503 answer, as problem+json or as a page."""
        logger.error("database is away: %s", error)
        if request.path.startswith("/api/"):
            response = problem(
                request, 503, "unavailable", "The database cannot be reached. Try again."
            )
        else:
            response = render(request, "errors/503.html", status=503)
        response["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response


class CatalogMiddleware:
    """Answers a request in the catalog that its host name or its API key leads to.

    A host name that leads to a catalog decides alone. Else a key does, which says whose it is;
    without either it is the main catalog. The health paths ask no database for it.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer in the catalog, or 503 while it is being made."""
        wanted = None if request.path.startswith(HEALTH) else self._wanted(request)
        if wanted is None:
            return self.get_response(request)
        if not wanted.is_ready:
            return self._not_yet(request)
        with ExitStack() as stack:
            stack.enter_context(scope.use(wanted.name))
            response = self.get_response(request)
            response["X-Catalog"] = wanted.name
            if response.streaming:
                # Its rows are read while it is sent: stay in the catalog until it is closed.
                response._resource_closers.append(stack.pop_all().close)  # type: ignore[attr-defined]
        return response

    @staticmethod
    def _wanted(request: HttpRequest) -> directory.Known | None:
        host, _ = split_domain_port(request.get_host())
        named = directory.of_host(host)
        if named is None and request.path.startswith("/api/"):
            name = catalog_of(sent_secret(request))
            return directory.of_name(name) if name else None
        return named

    @staticmethod
    def _not_yet(request: HttpRequest) -> HttpResponse:
        if request.path.startswith("/api/"):
            response = problem(request, 503, "unavailable", "This catalog is being made.")
        else:
            response = render(request, "errors/503.html", status=503)
        response["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response


class HostileInputMiddleware:
    """Refuses addresses PostgreSQL could not store (NUL), or of more than anybody reads."""

    # Any 2,000 characters fit, at twelve bytes each, so that the page can say what is wrong.
    max_query_string_bytes = 32_768

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, or 414 or 400 with a reason."""
        query = request.META.get("QUERY_STRING", "")
        if len(query) > self.max_query_string_bytes:
            longest = max(query.split("&"), key=len).partition("=")[0]
            return self.refuse(
                request, 414, "too_long",
                "The address is too long: a query has at most 500 characters, a facet at most 50"
                " values.",
                fields=[longest[:60]],
            )  # fmt: skip
        parameters = query.split("&")
        if len(parameters) > settings.DATA_UPLOAD_MAX_NUMBER_FIELDS:
            names = Counter(each.partition("=")[0] for each in parameters)
            return self.refuse(
                request, 400, "too_many_parameters",
                f"The address has {len(parameters):,} parameters: at most"
                f" {settings.DATA_UPLOAD_MAX_NUMBER_FIELDS} are read. A list takes up to 100"
                " filters, and up to 50 of one facet.",
                fields=[names.most_common(1)[0][0][:60]],
            )  # fmt: skip
        if "%00" in query or "\x00" in request.path:
            return self.refuse(
                request, 400, "control_character",
                "The address holds a NUL character: remove it.", fields=_with_nul(request),
            )  # fmt: skip
        return self.get_response(request)

    @staticmethod
    def refuse(
        request: HttpRequest, status: int, code: str, detail: str, *, fields: Sequence[str] = ()
    ) -> HttpResponse:
        """The refusal, as problem+json or as a page; it names the parameters at fault."""
        if request.path.startswith("/api/"):
            return problem(request, status, code, detail, fields=fields)
        told = f"{', '.join(fields)}: {detail}" if fields else detail
        # What was typed stays in the field; nothing else of such an address is read.
        typed = _QUERY.search(request.META.get("QUERY_STRING", ""))
        query = unquote_plus(typed[1])[:500].replace("\x00", "") if typed else ""
        context = {"detail": told, "query": query}
        return render(request, "errors/400.html", context, status=status)


def _with_nul(request: HttpRequest) -> list[str]:
    """The parameters that hold a NUL, or are named with one."""
    return [
        name.replace("\x00", "")[:60]
        for name, given in request.GET.lists()
        if "\x00" in name or any("\x00" in value for value in given)
    ]


def problem(
    request: HttpRequest, status: int, code: str, detail: str, *, fields: Sequence[str] = ()
) -> HttpResponse:
    """A problem document for errors met before the API's own handler (RFC 9457)."""
    body: dict[str, object] = {
        "type": f"/api/v1/docs/errors#{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": f"{', '.join(fields)}: {detail}" if fields else detail,
        "code": code,
        "instance": request.path,
        "request_id": getattr(request, "request_id", ""),
    }
    if fields:
        body["errors"] = [
            {"field": name, "pointer": f"/{name}", "detail": detail} for name in fields
        ]
    return HttpResponse(json.dumps(body), status=status, content_type="application/problem+json")
