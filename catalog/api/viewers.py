"""Who is looking, in the words of a caller: what may be told of a person without a key."""

from dataclasses import replace

from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request

from catalog.models import ApiKey
from catalog.people import ACCOUNT_PREFIX, viewer_for
from catalog.types import Viewer


def viewer_of(
    request: Request, *, user_id: str = "", anonymous_id: str = "", session_id: str = ""
) -> Viewer:
    """The viewer that these ids name.

    Where reading is public anybody may ask what would be recommended to one of the catalog's
    people, but only a key speaks for those who have an account on this site.

    Raises:
        NotAuthenticated: no key was sent, and the id is an account's.
        InvalidInput: an id cannot be used; names it.
    """
    if user_id.startswith(ACCOUNT_PREFIX) and not has_key(request):
        raise NotAuthenticated("'user_id' names an account of this site: send an API key.")
    return viewer_for(user_id=user_id, anonymous_id=anonymous_id, session_id=session_id)


def without_searches(request: Request, viewer: Viewer) -> Viewer:
    """The viewer whose own searches may be told: without a key, nobody with a user id."""
    return viewer if has_key(request) else replace(viewer, person_id=None)


def has_key(request: Request) -> bool:
    """Whether the caller sent an API key (a wrong one is refused before)."""
    return isinstance(request.auth, ApiKey)
