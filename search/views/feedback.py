"""Like, not for me, and taking it back."""

from django.http import HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from catalog.feedback import forget_opinion
from catalog.models import Item
from search.views.cards import item_url
from search.views.pages import HtmxRequest, page
from search.views.recording import record_opinion
from search.views.viewer import remembered, visitor_of

KINDS = ("like", "dislike", "undo")


@require_POST
@page
@remembered
def feedback(request: HtmxRequest, pk: int) -> HttpResponse:
    """Keep the visitor's word on an item; a new one takes the place of the old."""
    kind = request.POST.get("kind", "")
    if kind not in KINDS:
        return HttpResponseBadRequest("kind is one of: like, dislike, undo")
    item = get_object_or_404(Item.objects.visible(), pk=pk)
    visitor = visitor_of(request)
    if not visitor.is_borrowed:
        forget_opinion(viewer=visitor.viewer, item_id=item.pk)
        if kind != "undo":
            record_opinion(request, item, kind)
    if not request.htmx:
        return redirect(f"{item_url(item)}#opinion")
    opinion = "" if kind == "undo" or visitor.is_borrowed else kind
    return render(request, "pages/item.html#opinion", {"item": item, "opinion": opinion})
