"""Task modules, imported so that Celery finds them."""

from workers.tasks import catalog, recs, search

__all__ = ("catalog", "recs", "search")
