"""The home page: rows for the one who looks, and queries to begin with."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from catalog.profiles import current_profile
from recs.home import HomeRow
from recs.recommend import home_rows
from search.query_recommendation import recommend
from search.views.cards import Row, Trail, items_of, ranked_cards
from search.views.pages import page
from search.views.pills import pill_groups
from search.views.viewer import viewer_of

MAX_ROWS = 7
LEAST_CARDS = 3


@require_safe
@page
def home(request: HttpRequest) -> HttpResponse:
    """Rows of recommendations; with each, why it is there."""
    viewer = viewer_of(request)
    queries = recommend(
        query="", normalized="", top_item_ids=(), exact_title=False, viewer=viewer, k=10
    ).queries
    context = {"rows": _rows(home_rows(viewer)), "pill_groups": pill_groups(queries)}
    return render(request, "pages/home.html", context)


def _rows(rows: list[HomeRow]) -> list[Row]:
    """The rows with their cards; a row that would look empty is left out."""
    items = items_of({hit.item_id for row in rows for hit in row.hits})
    profile = current_profile()
    filled = [
        Row(
            key=row.key,
            title=row.title,
            why=row.why,
            cards=ranked_cards(
                row.hits,
                items,
                profile,
                trail=Trail(surface="home", query_id=row.query_id),
                told=row.title,
            ),
        )
        for row in rows
    ]
    return [row for row in filled if len(row.cards) >= LEAST_CARDS][:MAX_ROWS]
