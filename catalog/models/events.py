"""Events: what people did. Written in bulk, never changed, partitioned by time."""

from django.db import models
from django.db.models import Q

from catalog.event_kinds import EventKind
from catalog.querysets import EventQuerySet


class Event(models.Model):
    """One act of one person on one item.

    The table is partitioned by range of `time` (catalog/partitions.py), so its primary key in the
    database is (id, time); `id` alone is unique because one identity sequence feeds all
    partitions. Foreign keys are plain numbers: checking them would cost a look-up for each row of
    a bulk write, and the writers check them in bulk.
    """

    id = models.BigAutoField(primary_key=True)
    time = models.DateTimeField()
    kind = models.SmallIntegerField(choices=EventKind.choices)
    person = models.ForeignKey(
        "catalog.Person",
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
    )
    anonymous_id = models.CharField(max_length=100, null=True)  # noqa: DJ001  null keeps the partial index small
    session_id = models.CharField(max_length=100, null=True)  # noqa: DJ001
    item = models.ForeignKey(
        "catalog.Item", on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    query_id = models.UUIDField(null=True)
    surface = models.CharField(max_length=40, blank=True, default="")
    position = models.SmallIntegerField(null=True)
    value = models.FloatField(null=True)
    properties = models.JSONField(null=True)

    objects = EventQuerySet.as_manager()

    class Meta:
        # Created by hand in migration 0002: Django cannot declare a partitioned table.
        managed = False
        db_table = "catalog_event"
        constraints = [
            models.CheckConstraint(
                condition=Q(position__isnull=True) | Q(position__gte=1),
                name="event_position_from_one",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.item_id} at {self.time:%Y-%m-%d %H:%M}"


class EventKey(models.Model):
    """An `event_id` that was accepted, so that a repeat is told as such and stored once.

    A unique index on the partitioned table would have to hold the time as well, and a repeat may
    carry another time; so the keys have a table of their own, pruned by age (catalog/events.py).
    """

    event_id = models.CharField(max_length=100, primary_key=True)
    received_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        # Pruning by age.
        indexes = [models.Index(fields=["received_at"], name="event_key_received")]

    def __str__(self) -> str:
        return self.event_id
