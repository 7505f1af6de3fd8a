from importlib import import_module

from django.apps import AppConfig


class RecsConfig(AppConfig):
    """The recs app."""

    name = "recs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks, which read models: those are there only now."""
        import_module("recs.checks")
