"""What runs later. Exports the Celery app, so that `celery -A workers` finds it."""

from workers.celery import app as celery_app

__all__ = ("celery_app",)
