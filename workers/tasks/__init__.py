"""Task modules, imported so that Celery finds them."""

from workers.tasks import catalog, llm, recs, search

__all__ = ("catalog", "llm", "recs", "search")
