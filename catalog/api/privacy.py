"""What a person may ask of us: everything that is kept of them, and to forget it."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.base import Api, StrictSerializer, read
from catalog.api.serializers import TaskOutput, task_json
from catalog.enqueue import enqueue_job
from catalog.models import ApiKey
from catalog.people import export_history, viewer_for
from catalog.types import Viewer

ADMIN = ApiKey.Scope.ADMIN.value
ERASE = "catalog.erase_person"


class WhoInput(StrictSerializer):
    """A person or an anonymous visitor."""

    user_id = serializers.CharField(required=False, default="", allow_blank=True, max_length=200)
    anonymous_id = serializers.CharField(
        required=False, default="", allow_blank=True, max_length=100
    )

    def validate(self, attrs: dict[str, str]) -> dict[str, str]:
        """One of the two is needed."""
        if not attrs["user_id"] and not attrs["anonymous_id"]:
            raise serializers.ValidationError({"user_id": "Give 'user_id' or 'anonymous_id'."})
        return attrs


class EraseApi(Api):
    """Forgetting a person."""

    required_scope = ADMIN

    @extend_schema(
        operation_id="erase_person", tags=["privacy"], request=WhoInput,
        responses={202: TaskOutput}, summary="Erase a person's history",
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Events, searches and labels go; the task tells when. An unknown person is no error."""
        viewer = _viewer(read(WhoInput, request.data))
        params = {"person_id": viewer.person_id, "anonymous_id": viewer.anonymous_id}
        task = task_json(enqueue_job(ERASE, kind=ERASE, params=params))
        return Response(task, status=202, headers={"Location": task["url"]})


class ExportApi(Api):
    """Telling what is kept."""

    required_scope = ADMIN
    parameters = ("user_id", "anonymous_id")

    class OutputSerializer(serializers.Serializer[Any]):
        """Everything that is kept of a person."""

        events = serializers.ListField(child=serializers.DictField())
        answers = serializers.ListField(child=serializers.DictField())
        labels = serializers.ListField(child=serializers.DictField())

    @extend_schema(
        operation_id="export_person", tags=["privacy"], parameters=[WhoInput],
        responses={200: OutputSerializer}, summary="Export a person's history",
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        """Events, searches and labels."""
        return Response(export_history(viewer=_viewer(read(WhoInput, request.query_params))))


def _viewer(who: dict[str, str]) -> Viewer:
    return viewer_for(user_id=who["user_id"], anonymous_id=who["anonymous_id"])
