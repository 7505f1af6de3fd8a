"""An item's page, and a collection's."""

from urllib.parse import unquote

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_safe

from catalog.feedback import opinion_of
from catalog.models import Collection, Item
from catalog.profiles import current_profile
from catalog.types import Viewer
from recs.recommend import also_liked, more_like, similar_by_meaning
from search.placement import ITEM
from search.query_recommendation import PageFacts, recommend
from search.text import normalize_query
from search.views.cards import (
    Row,
    Trail,
    card,
    collection_url,
    cover_url,
    item_url,
    items_of,
    ranked_cards,
)
from search.views.facts import added_for_page, facts_for_page
from search.views.kinds import row_of_kind
from search.views.pages import page
from search.views.params import read_page
from search.views.pills import PillGroup, pill_groups
from search.views.recording import record_click, record_view
from search.views.shelves import Shelf, shelves
from search.views.viewer import remembered, viewer_of

NEAR = 12
PER_PAGE = 24
MAX_COLLECTIONS = 6


@require_safe
@page
@remembered
def item(request: HttpRequest, pk: int, slug: str = "") -> HttpResponse:
    """One item; a tracked link is recorded and sent on to the clean address."""
    found = get_object_or_404(Item.objects.visible(), pk=pk)
    if {"a", "p", "s"} & request.GET.keys():
        record_click(request, found)
        return redirect(item_url(found))
    if request.path != unquote(item_url(found)):
        return redirect(item_url(found), permanent=False)
    viewer = viewer_of(request)
    record_view(request, found)
    context = {
        "item": found,
        "cover_url": cover_url(found),
        "facts": facts_for_page(found, current_profile()),
        "added": added_for_page(found),
        "opinion": opinion_of(viewer=viewer, item_id=found.pk),
        "rows": _near(found, viewer),
        "shelves": _in_collections(found),
        "pill_groups": _searches_from(found, viewer),
    }
    return render(request, "pages/item.html", context)


def _searches_from(found: Item, viewer: Viewer) -> tuple[PillGroup, ...]:
    """Queries that share something with the item."""
    recommended = recommend(
        query=found.title,
        normalized=normalize_query(found.title),
        top_item_ids=(found.pk,),
        exact_title=False,
        viewer=viewer,
        k=8,
        page=PageFacts(surface=ITEM, total=1),
    )
    return pill_groups(recommended.queries)


def _near(found: Item, viewer: Viewer) -> list[Row]:
    """More like it, of its kind, and what people liked who liked it."""
    profile = current_profile()
    more = _more_like(found, viewer)
    liked = also_liked(found.pk, NEAR)
    items = items_of({hit.item_id for hit in liked})
    liked_row = Row(
        key="liked",
        title="People also liked",
        why=f"From what people liked who liked this {profile.item_noun}.",
        cards=ranked_cards(liked, items, profile, trail=Trail(surface="item")),
    )
    return [row for row in (more, row_of_kind(found), liked_row) if row and row.cards]


def _more_like(found: Item, viewer: Viewer) -> Row:
    """By the model where it answers; else what is close in meaning."""
    answer = more_like(found.pk, viewer, NEAR)
    if answer is None:
        hits, trail = similar_by_meaning(found.pk, NEAR), Trail(surface="item")
        why = "Close in meaning: what they are about, when and where they were made."
    else:
        hits, trail = answer.hits, Trail(surface="similar", query_id=answer.query_id)
        why = "By what it is about, by who chose it, and by what you chose so far."
    items = items_of({hit.item_id for hit in hits})
    cards = ranked_cards(hits, items, current_profile(), trail=trail)
    return Row(key="meaning", title="More like this", why=why, cards=cards)


def _in_collections(found: Item) -> list[Shelf]:
    holding = found.collections.filter(is_hidden=False).order_by("title")[:MAX_COLLECTIONS]
    return shelves(list(holding))


@require_safe
@page
def collections(request: HttpRequest) -> HttpResponse:
    """All collections, a page at a time."""
    everything = Paginator(Collection.objects.filter(is_hidden=False), PER_PAGE)
    shown = everything.get_page(read_page(request.GET.get("page", "")))
    context = {"shelves": shelves(list(shown.object_list)), "page": shown}
    return render(request, "pages/collections.html", context)


@require_safe
@page
def collection(request: HttpRequest, pk: int, slug: str = "") -> HttpResponse:
    """One collection's items, in its order."""
    found = Collection.objects.filter(pk=pk, is_hidden=False).first()
    if found is None:
        raise Http404
    if request.path != unquote(collection_url(found)):
        return redirect(collection_url(found))
    items = Item.objects.visible().for_cards().filter(collection_entries__collection=found)
    everything = Paginator(items.order_by("collection_entries__position"), PER_PAGE)
    shown = everything.get_page(read_page(request.GET.get("page", "")))
    profile, trail, first = current_profile(), Trail(surface="collection"), shown.start_index()
    cards = [
        card(one, profile, trail=trail, position=place) for place, one in enumerate(shown, first)
    ]
    context = {"collection": found, "cards": cards, "page": shown}
    return render(request, "pages/collection.html", context)
