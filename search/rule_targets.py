"""Where a redirect or a banner leads: a page of this site, or a search on it. Never elsewhere."""

import re
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from catalog.errors import InvalidInput
from catalog.values import check_storable
from search.text import clean_query, normalize_query

MAX_CHARACTERS = 500
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_HOST = re.compile(r"[\w-]+(\.[\w-]+)*\.[a-z]{2,}([/:?#].*)?", re.IGNORECASE)
_OUTSIDE = re.compile(r"[\s\x00-\x1f\x7f]")


def read_target(stated: str) -> str:
    """A path on this site, as it is; other words become the address of a search for them.

    Raises:
        InvalidInput: names `target`, and says what is wrong with it.
    """
    text = stated.strip()
    check_storable(text, field="target")
    if not text:
        return ""
    if not text.startswith("/"):
        text = _search_address(text)
    if len(text) > MAX_CHARACTERS:
        raise _wrong(f"An address has at most {MAX_CHARACTERS} characters, not {len(text):,}.")
    if _OUTSIDE.search(text):
        raise _wrong("An address holds no spaces: write %20, or the words of a search alone.")
    # Not only "//host": browsers read "/\\host" in the same way.
    if not url_has_allowed_host_and_scheme(text, allowed_hosts=None):
        raise _elsewhere(stated)
    return text


def searched(target: str) -> str | None:
    """The query, in normal form, that the target asks with nothing beside it; None for others.

    Only such a search follows redirects (search.views.search), so only such ones can go in a ring.
    """
    parts = urlsplit(target)
    given = dict(parse_qsl(parts.query))
    if parts.path != reverse("pages:search") or set(given) - {"q", "sort", "from"}:
        return None
    return normalize_query(given.get("q", ""))


def _search_address(text: str) -> str:
    if _SCHEME.match(text) or _HOST.fullmatch(text) or "\\" in text:
        raise _elsewhere(text)
    query = clean_query(text)
    if not normalize_query(query):
        raise _wrong(f"{text!r} is neither a path of this site nor words to search for.")
    return f"{reverse('pages:search')}?{urlencode({'q': query})}"


def _elsewhere(stated: str) -> InvalidInput:
    return _wrong(
        f"{stated[:60]!r} is not on this site. Write a path that begins with one /, such as"
        " /browse/Comedy, or the words of a search."
    )


def _wrong(detail: str) -> InvalidInput:
    return InvalidInput(detail, field="target")
