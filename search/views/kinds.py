"""Browsing by kind: items whose semantic IDs begin the same way."""

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from catalog.models import Item
from catalog.profiles import current_profile
from recs.kinds import (
    Kind,
    address_of,
    described_trail,
    first_kinds,
    items_of_kind,
    kind_of_item,
    kinds_below,
    live_codes,
    more_of_kind,
    most_wanted,
    path_at,
)
from recs.models import ModelVersion
from search.views.cards import Row, Trail, card, cover_url, items_of
from search.views.pages import page
from search.views.params import read_page
from search.views.shelves import COVERS, Shelf

KINDS_PER_PAGE = 60
MAX_BELOW = 24
PER_PAGE = 24
NEAR = 12
PUT_TOGETHER = "Put together by what they are about, the nearest first."


@require_safe
@page
def kinds(request: HttpRequest) -> HttpResponse:
    """The kinds of the first level, largest first."""
    version = live_codes()
    found = first_kinds(version) if version else []
    shown = Paginator(found, KINDS_PER_PAGE).get_page(read_page(request.GET.get("page", "")))
    shelves = kind_shelves(version, list(shown.object_list)) if version else []
    return render(request, "pages/kinds.html", {"shelves": shelves, "page": shown})


@require_safe
@page
def kind(request: HttpRequest, address: str) -> HttpResponse:
    """One kind: what it consists of, its items, and the way back up."""
    version, path = live_codes(), path_at(address)
    if version is None or path is None:
        raise Http404
    if address != address_of(path):
        return redirect("pages:kind", address_of(path))
    everything = Paginator(items_of_kind(version, path).for_cards(), PER_PAGE)
    if not everything.count:
        raise Http404
    shown = everything.get_page(read_page(request.GET.get("page", "")))
    profile, trail, first = current_profile(), Trail(surface="kind"), shown.start_index()
    *above, (_, name, description) = described_trail(version, path)
    context = {
        "title": name,
        "line": description,
        "trail": [(label, kind_url(prefix)) for prefix, label, _ in above],
        "total": everything.count,
        "parts": kind_shelves(version, kinds_below(version, path)[:MAX_BELOW])
        if shown.number == 1
        else [],
        "cards": [
            card(one, profile, trail=trail, position=n) for n, one in enumerate(shown, first)
        ],
        "page": shown,
    }
    return render(request, "pages/kind.html", context)


def kind_url(path: str) -> str:
    """The kind's own address."""
    return reverse("pages:kind", args=(address_of(path),))


def kind_shelves(version: ModelVersion, found: list[Kind]) -> list[Shelf]:
    """Kinds with the covers of their most wanted items, in two queries."""
    ids = most_wanted(version, [one.path for one in found], most=COVERS)
    items = items_of({item_id for listed in ids.values() for item_id in listed})
    return [
        Shelf(
            title=one.name,
            line=one.description,
            url=kind_url(one.path),
            count=one.count,
            covers=tuple(cover_url(items[key]) for key in ids.get(one.path, ()) if key in items),
        )
        for one in found
    ]


def row_of_kind(item: Item) -> Row | None:
    """More of the item's kind; None where it has no codes, or nothing else shares its first."""
    version = live_codes()
    mine = kind_of_item(version, item.pk) if version else None
    if version is None or mine is None:
        return None
    alike = more_of_kind(version, item.pk, k=NEAR)
    items = items_of(one.item_id for one in alike)
    profile, trail = current_profile(), Trail(surface="kind")
    shown = [items[one.item_id] for one in alike if one.item_id in items]
    cards = tuple(card(one, profile, trail=trail, position=n) for n, one in enumerate(shown, 1))
    path, name = mine.kinds[0]
    return (
        Row(
            key="kind",
            title="More of this kind",
            why=f"{mine.descriptions[0]} {PUT_TOGETHER}".strip(),
            cards=cards,
            more=(name, kind_url(path)),
        )
        if cards
        else None
    )
