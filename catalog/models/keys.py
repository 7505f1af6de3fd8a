"""API keys: shown once, stored as a hash."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models


class ApiKey(models.Model):
    """What a caller of the API may do, and how often."""

    class Scope(models.TextChoices):
        READ = "read", "search, suggest, recommend and read"
        EVENTS_WRITE = "events:write", "send events"
        CATALOG_WRITE = "catalog:write", "change items and collections"
        LABELS = "labels", "read and write labels"
        ADMIN = "admin", "everything, and tasks"

    name = models.CharField(max_length=100)
    # The first characters, so that a person can tell keys apart.
    prefix = models.CharField(max_length=50)
    key_hash = models.CharField(max_length=64, unique=True)
    scopes = ArrayField(models.CharField(max_length=20, choices=Scope.choices))
    rate_per_minute = models.PositiveIntegerField(default=600)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "API key"

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
