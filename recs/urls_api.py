"""API paths of recs."""

from django.urls import path

from recs.api.recommend import RecommendApi

urlpatterns = [path("recommend", RecommendApi.as_view(), name="api-recommend")]
