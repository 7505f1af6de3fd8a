"""Events over REST."""

from functools import partial
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.base import Api, StrictSerializer, read
from catalog.api.rows import write_rows
from catalog.api.serializers import EventRowsField, RowResult, result_json
from catalog.events import record_events
from catalog.models import ApiKey
from catalog.validation import read_event

MAX_BODY_BYTES = 2 * 1024 * 1024


class EventsApi(Api):
    """What people did."""

    required_scope = ApiKey.Scope.EVENTS_WRITE.value
    max_body_bytes = MAX_BODY_BYTES

    class InputSerializer(StrictSerializer):
        """Body of the bulk write."""

        events = EventRowsField()

    class OutputSerializer(serializers.Serializer[Any]):
        """What became of each event."""

        accepted = serializers.IntegerField(help_text="Stored, and on disk.")
        duplicates = serializers.IntegerField(help_text="Their event_id was stored before.")
        errors = serializers.IntegerField()  # type: ignore[assignment]  # a field, not the property
        results = RowResult(many=True)

    @extend_schema(
        operation_id="record_events", tags=["events"], request=InputSerializer,
        responses={202: OutputSerializer}, summary="Record up to 1,000 events (2 MB)",
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Each event is told by itself; the good ones are stored even where others are bad."""
        rows = read(self.InputSerializer, request.data)["events"]
        results = write_rows(
            rows,
            read=partial(read_event, now=timezone.now()),
            write=lambda events: record_events(events=events),
        )
        counts = {
            name: sum(result.status == status for result in results)
            for name, status in (
                ("accepted", "accepted"), ("duplicates", "duplicate"), ("errors", "error"),
            )
        }  # fmt: skip
        told = [result_json(place, result) for place, result in enumerate(results)]
        return Response(counts | {"results": told}, status=202)
