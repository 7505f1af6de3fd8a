"""API paths of recs."""

from django.urls import path

from recs.api.kinds import ItemKindApi, KindApi, KindsApi
from recs.api.models import ModelApi, ModelsApi, PromoteModelApi, RollBackModelApi
from recs.api.recommend import RecommendApi

urlpatterns = [
    path("recommend", RecommendApi.as_view(), name="api-recommend"),
    path("kinds", KindsApi.as_view(), name="api-kinds"),
    path("kinds/of-item", ItemKindApi.as_view(), name="api-item-kind"),
    path("kinds/<str:path>", KindApi.as_view(), name="api-kind"),
    path("models", ModelsApi.as_view(), name="api-models"),
    path("models/rollback", RollBackModelApi.as_view(), name="api-model-rollback"),
    path("models/<int:model_id>", ModelApi.as_view(), name="api-model"),
    path("models/<int:model_id>/promote", PromoteModelApi.as_view(), name="api-model-promote"),
]
