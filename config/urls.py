"""The URL map: pages at the root, the API below /api/v1, the admin below /admin."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/v1/", include("catalog.urls_api")),
    path("api/v1/", include("recs.urls_api")),
    path("api/v1/", include("search.urls_api")),
    path("", include("search.urls")),
    path("", include("django_prometheus.urls")),
]
