"""Reads of the catalog, as chainable querysets."""

from datetime import datetime
from typing import Any, Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from catalog.event_kinds import LEAST_GOOD_RATING, WANTED, EventKind


class ItemQuerySet(models.QuerySet[Any]):
    """Items, narrowed."""

    def visible(self, at: datetime | None = None) -> Self:
        """Items a visitor may see: not hidden, and within their dates of availability."""
        at = at or timezone.now()
        return self.filter(
            Q(available_from__isnull=True) | Q(available_from__lte=at),
            Q(available_until__isnull=True) | Q(available_until__gt=at),
            is_hidden=False,
        )

    def for_cards(self) -> Self:
        """Only the columns a card or a hit shows."""
        return self.defer(
            "search_vector", "keywords", "content_hash", "description", "all_attributes"
        )


class EventQuerySet(models.QuerySet[Any]):
    """Events, narrowed. Every read of a history goes through before()."""

    def before(self, as_of: datetime) -> Self:
        """Events that had happened by then; `as_of` itself is excluded."""
        return self.filter(time__lt=as_of)

    def of_viewer(self, *, person_id: int | None, anonymous_id: str | None) -> Self:
        """One person's events, or one anonymous visitor's; none for nobody."""
        if person_id is not None:
            return self.filter(person_id=person_id)
        if anonymous_id:
            return self.filter(anonymous_id=anonymous_id, person_id__isnull=True)
        return self.none()

    def positive(self) -> Self:
        """Events that say a person wanted the item; a rating counts from 3.5 of 5 upward."""
        return self.filter(
            Q(kind__in=WANTED) | Q(kind=EventKind.RATING, value__gte=LEAST_GOOD_RATING)
        )
