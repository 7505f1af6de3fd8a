"""Covers, drawn on request and kept by every cache for ever."""

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from catalog.covers import cover_digest, cover_svg
from catalog.models import Item
from search.views.cards import cover_url

FOR_EVER = "public, max-age=31536000, immutable"


@require_safe
@gzip_page
def cover(request: HttpRequest, pk: int, digest: str) -> HttpResponse:
    """The item's cover; an address of the past leads to the present one."""
    etag = f'"{digest}"'
    if request.headers.get("If-None-Match") == etag:
        return HttpResponseNotModified(headers={"ETag": etag, "Cache-Control": FOR_EVER})
    item = get_object_or_404(Item.objects.visible().for_cards(), pk=pk)
    if digest != cover_digest(item):
        return redirect(cover_url(item))
    headers = {"ETag": etag, "Cache-Control": FOR_EVER, "X-Content-Type-Options": "nosniff"}
    return HttpResponse(cover_svg(item), content_type="image/svg+xml", headers=headers)
