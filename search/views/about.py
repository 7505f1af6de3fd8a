"""What this site is, what it keeps, and how it recommends."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from catalog.models import Item
from search.views.pages import page


@require_safe
@page
def about(request: HttpRequest) -> HttpResponse:
    """The about page."""
    return render(request, "pages/about.html", {"item_count": Item.objects.visible().count()})
