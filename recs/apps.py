from django.apps import AppConfig


class RecsConfig(AppConfig):
    """The recs app."""

    name = "recs"
    default_auto_field = "django.db.models.BigAutoField"
