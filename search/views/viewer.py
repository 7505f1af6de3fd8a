"""Who is looking: an account's person, a numbered person of the demo, or a cookie's number."""

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from catalog.people import person_for_account
from catalog.types import Viewer

COOKIE = "foray_visitor"
COOKIE_SECONDS = 365 * 24 * 3600
ACT_AS = "act_as"
_VISITOR_ID = re.compile(r"^[0-9a-f]{32}$")
_ROBOT = re.compile(r"bot\b|crawl|spider|slurp|preview|headlesschrome-lighthouse", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """The viewer, and what pages need to know beside.

    user_id: the person's external id, "" where there is none. is_borrowed: these are the eyes of
    a numbered person of the demo; nothing done with them is recorded or deleted.
    """

    viewer: Viewer = field(default_factory=Viewer)
    user_id: str = ""
    label: str = ""
    is_borrowed: bool = False


def visitor_of(request: HttpRequest) -> Visitor:
    """Who sent the request; looked up once for each request."""
    known: Visitor | None = getattr(request, "visitor", None)
    if known is None:
        known = _borrowed(request) or _signed_in(request) or _anonymous(request)
        request.visitor = known  # type: ignore[attr-defined]
    return known


def viewer_of(request: HttpRequest) -> Viewer:
    """The same as search and recommendations want it."""
    return visitor_of(request).viewer


def remembered(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Give a visitor without an account a number, for pages that have something to remember."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        is_new = visitor_of(request).viewer.is_nobody and is_a_visit(request)
        number = uuid.uuid4().hex
        if is_new:
            request.visitor = Visitor(viewer=Viewer(anonymous_id=number))  # type: ignore[attr-defined]
        response = view(request, *args, **kwargs)
        if is_new:
            response.set_cookie(
                COOKIE,
                number,
                max_age=COOKIE_SECONDS,
                httponly=True,
                samesite="Lax",
                secure=settings.HTTPS,
            )
        return response

    return answer


def is_a_visit(request: HttpRequest) -> bool:
    """Whether a person looks at this now: not a robot, not a browser fetching ahead."""
    purpose = request.headers.get("Sec-Purpose", "") + request.headers.get("Purpose", "")
    agent = request.headers.get("User-Agent", "")
    return request.method != "HEAD" and "prefetch" not in purpose and not _ROBOT.search(agent)


def anonymous_id_of(request: HttpRequest) -> str:
    """The number in the visitor's cookie, or ""."""
    number = request.COOKIES.get(COOKIE, "")
    return number if _VISITOR_ID.match(number) else ""


def _borrowed(request: HttpRequest) -> Visitor | None:
    if settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return None
    chosen = request.session.get(ACT_AS)
    if not chosen:
        return None
    return Visitor(
        viewer=Viewer(person_id=chosen["person_id"]),
        user_id=chosen["user_id"],
        label=chosen["label"],
        is_borrowed=True,
    )


def _signed_in(request: HttpRequest) -> Visitor | None:
    if settings.SESSION_COOKIE_NAME not in request.COOKIES or not request.user.is_authenticated:
        return None
    person = person_for_account(account=request.user)
    return Visitor(
        viewer=Viewer(person_id=person.pk),
        user_id=person.external_id,
        label=request.user.get_username(),
    )


def _anonymous(request: HttpRequest) -> Visitor:
    return Visitor(viewer=Viewer(anonymous_id=anonymous_id_of(request) or None))
