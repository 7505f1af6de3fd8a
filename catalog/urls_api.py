"""API paths of the catalog, health and documentation. Included last: it ends in a catch-all."""

from django.urls import path, re_path
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerView

from catalog.api.catalogs import CatalogsApi
from catalog.api.collections import CollectionApi, CollectionsApi
from catalog.api.docs import errors_page
from catalog.api.events import EventsApi
from catalog.api.health import LiveApi, ReadyApi
from catalog.api.items import HideItemsApi, ItemApi, ItemsApi
from catalog.api.labels import LabelsApi
from catalog.api.privacy import EraseApi, ExportApi
from catalog.api.problems import unknown_path
from catalog.api.tasks import TaskApi, TasksApi

urlpatterns = [
    path("items", ItemsApi.as_view(), name="api-items"),
    path("items/hide", HideItemsApi.as_view(), name="api-items-hide"),
    path("items/<path:external_id>", ItemApi.as_view(), name="api-item"),
    path("catalogs", CatalogsApi.as_view(), name="api-catalogs"),
    path("collections", CollectionsApi.as_view(), name="api-collections"),
    path("collections/<path:external_id>", CollectionApi.as_view(), name="api-collection"),
    path("events", EventsApi.as_view(), name="api-events"),
    path("labels", LabelsApi.as_view(), name="api-labels"),
    path("tasks", TasksApi.as_view(), name="api-tasks"),
    path("tasks/<uuid:task_id>", TaskApi.as_view(), name="api-task"),
    path("privacy/erase", EraseApi.as_view(), name="api-erase"),
    path("privacy/export", ExportApi.as_view(), name="api-export"),
    path("health/live", LiveApi.as_view(), name="api-live"),
    path("health/ready", ReadyApi.as_view(), name="api-ready"),
    path("openapi.json", SpectacularJSONAPIView.as_view(), name="api-schema"),
    path("docs", SpectacularSwaggerView.as_view(url_name="api-schema"), name="api-docs"),
    path("docs/errors", errors_page, name="api-errors"),
    re_path("", unknown_path),
]
