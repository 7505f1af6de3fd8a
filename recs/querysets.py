"""Reads of what was learned. pgvector's distances become scores here and nowhere else."""

from typing import Any, Self

from django.db import models


class VersionQuerySet(models.QuerySet[Any]):
    """Versions of vectors or of neighbour lists."""

    def live(self) -> Self:
        """The one that answers requests."""
        return self.filter(is_live=True)


def score_of_cosine_distance(distance: float) -> float:
    """Cosine similarity, -1 to 1, higher is better, of pgvector's `<=>`."""
    return 1.0 - distance
