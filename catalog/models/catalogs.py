"""The catalogs of an installation beside the main one. Rows lie in the main catalog alone."""

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Catalog(models.Model):
    """A catalog with a schema of its own, and the host names that lead to it."""

    class State(models.TextChoices):
        MAKING = "making", "being made"
        READY = "ready", "ready"

    name = models.CharField(max_length=30, unique=True)
    hosts = ArrayField(models.CharField(max_length=253), default=list, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.MAKING)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "catalog"

    def __str__(self) -> str:
        return self.name
