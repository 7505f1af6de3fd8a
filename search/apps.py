from django.apps import AppConfig


class SearchConfig(AppConfig):
    """The search app."""

    name = "search"
    default_auto_field = "django.db.models.BigAutoField"
