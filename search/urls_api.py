"""API paths of search."""

from django.urls import path

from search.api.search import SearchApi

urlpatterns = [
    path("search", SearchApi.as_view(), name="api-search"),
]
