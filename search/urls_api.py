"""API paths of search."""

from django.urls import path

from search.api.search import SearchApi
from search.api.suggest import QueryRecommendationsApi, SuggestApi

urlpatterns = [
    path("search", SearchApi.as_view(), name="api-search"),
    path("suggest", SuggestApi.as_view(), name="api-suggest"),
    path(
        "query-recommendations",
        QueryRecommendationsApi.as_view(),
        name="api-query-recommendations",
    ),
]
