"""Saved searches: kept for whoever saved them, until they let them go."""

from django.db import transaction
from django.db.models import Q

from catalog.errors import InvalidInput
from catalog.models import SavedSearch
from catalog.types import Viewer
from catalog.values import check_storable

MOST = 100
MAX_ADDRESS = 4000


def saved_searches(viewer: Viewer) -> list[SavedSearch]:
    """Those of the viewer, the newest first; none of nobody."""
    if viewer.is_nobody:
        return []
    return list(SavedSearch.objects.filter(_of(viewer)).order_by("-created_at", "-pk")[:MOST])


def save_search(*, viewer: Viewer, query: str, address: str) -> SavedSearch:
    """Keep a search; the same one again is the one that is kept already.

    Raises:
        InvalidInput: of nobody, without anything asked for, too long, or one too many.
    """
    if viewer.is_nobody:
        raise InvalidInput("Searches are saved for a visitor: search once first.")
    for name, text, limit in (("query", query, 500), ("address", address, MAX_ADDRESS)):
        check_storable(text, field=name)
        if len(text) > limit:
            raise InvalidInput(f"A saved search has at most {limit} characters.", field=name)
    if not address.strip():
        raise InvalidInput("There is nothing to save: search for something first.")
    with transaction.atomic():
        own = SavedSearch.objects.filter(_of(viewer))
        if known := own.filter(address=address).first():
            return known
        if own.count() >= MOST:
            raise InvalidInput(f"{MOST} searches are saved already: let one go first.")
        who = {"person_id": viewer.person_id, "anonymous_id": viewer.anonymous_id or ""}
        return SavedSearch.objects.create(**who, query=query, address=address)


def let_go(*, viewer: Viewer, pk: int) -> bool:
    """Delete one of the viewer's own; whether there was one."""
    if viewer.is_nobody:
        return False
    return bool(SavedSearch.objects.filter(_of(viewer), pk=pk).delete()[0])


def _of(viewer: Viewer) -> Q:
    if viewer.person_id is not None:
        return Q(person_id=viewer.person_id)
    return Q(anonymous_id=viewer.anonymous_id or "", person_id__isnull=True)
