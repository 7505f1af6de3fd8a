"""Reads of what was learned. pgvector's distances become scores here and nowhere else."""

from typing import Any, Self

from django.db import models
from django.db.models import Q, Subquery
from django.utils import timezone


class VersionQuerySet(models.QuerySet[Any]):
    """Versions of vectors or of neighbour lists."""

    def live(self) -> Self:
        """The one that answers requests."""
        return self.filter(is_live=True)

    def live_id(self) -> Subquery:
        """Key of the live one inside another query.

        A join would say the same, but then an index on (version, rank) could not give the order.
        """
        return Subquery(self.live().values("pk")[:1])


class ContentVersionQuerySet(VersionQuerySet):
    """Versions of content vectors; of each modality one is live."""

    def live(self, modality: str = "text") -> Self:
        """The one whose vectors are used; that of the text answers searches."""
        return self.filter(is_live=True, modality=modality)


class ModelVersionQuerySet(VersionQuerySet):
    """Versions of what is trained; of each kind one is live."""

    def live(self) -> Self:
        """Those that answer requests, one for each kind."""
        return self.filter(state="live")

    def of_kind(self, kind: str) -> Self:
        """Versions of one kind."""
        return self.filter(kind=kind)

    def kept(self) -> Self:
        """Those whose folder and vectors were not deleted."""
        return self.filter(pruned_at__isnull=True)


class TrainingRunQuerySet(models.QuerySet[Any]):
    """Runs of training."""

    def open(self) -> Self:
        """Those that have not ended: waiting, at work, or interrupted."""
        return self.filter(state__in=["queued", "running"])

    def of_kind(self, kind: str) -> Self:
        """Runs of one kind."""
        return self.filter(kind=kind)


def visible_item(prefix: str) -> Q:
    """ItemQuerySet.visible() said of a row that points at an item (`prefix` "item__")."""
    now = timezone.now()
    since, until = f"{prefix}available_from", f"{prefix}available_until"
    return (
        Q(**{f"{prefix}is_hidden": False})
        & (Q(**{f"{since}__isnull": True}) | Q(**{f"{since}__lte": now}))
        & (Q(**{f"{until}__isnull": True}) | Q(**{f"{until}__gt": now}))
    )


def score_of_cosine_distance(distance: float) -> float:
    """Cosine similarity, -1 to 1, higher is better, of pgvector's `<=>`."""
    return 1.0 - distance


def score_of_inner_product(distance: float) -> float:
    """Inner product, higher is better, of pgvector's `<#>`, which negates it."""
    return -distance
