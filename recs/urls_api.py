"""API paths of recs."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
