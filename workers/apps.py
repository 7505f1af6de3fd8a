from django.apps import AppConfig


class WorkersConfig(AppConfig):
    """The workers app."""

    name = "workers"
    default_auto_field = "django.db.models.BigAutoField"
