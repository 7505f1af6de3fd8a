"""API paths of search."""

from django.urls import path

from search.api.analytics import QueryAnalyticsApi, SearchAnalyticsApi
from search.api.exploration import ExplorationApi
from search.api.search import SearchApi
from search.api.suggest import QueryRecommendationsApi, SuggestApi

urlpatterns = [
    path("search", SearchApi.as_view(), name="api-search"),
    path("analytics/searches", SearchAnalyticsApi.as_view(), name="api-search-analytics"),
    path("analytics/queries", QueryAnalyticsApi.as_view(), name="api-query-analytics"),
    path("analytics/exploration", ExplorationApi.as_view(), name="api-exploration"),
    path("suggest", SuggestApi.as_view(), name="api-suggest"),
    path(
        "query-recommendations",
        QueryRecommendationsApi.as_view(),
        name="api-query-recommendations",
    ),
]
