"""Model versions over REST: which there are, what the gate said of each, promote, roll back."""

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.base import Api, StrictSerializer, read
from catalog.api.pagination import PAGE_PARAMETERS, PageInput, page_response
from catalog.api.problems import MEDIA_TYPE
from catalog.errors import NotFound
from catalog.models import ApiKey
from recs import registry
from recs.models import ModelVersion

ADMIN = ApiKey.Scope.ADMIN.value
KINDS = ModelVersion.Kind.choices
STATES = ModelVersion.State.choices
SUMMARY = (
    "id", "kind", "name", "state", "seed", "events", "people", "items", "dimensions",
    "index_recall", "metrics",
)  # fmt: skip
REFUSED = {
    (409, MEDIA_TYPE): OpenApiResponse(
        {"$ref": "#/components/schemas/Problem"}, description="It cannot be done; says why."
    )
}
TIMES = ("as_of", "created_at", "promoted_at", "retired_at", "pruned_at")


class ModelOutput(serializers.Serializer[Any]):
    """A model version."""

    id = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=KINDS)
    name = serializers.CharField(help_text="Also the name of its folder.")
    state = serializers.ChoiceField(choices=STATES)
    seed = serializers.IntegerField()
    events = serializers.IntegerField(help_text="Events that it learned from.")
    people = serializers.IntegerField()
    items = serializers.IntegerField()
    dimensions = serializers.IntegerField(help_text="Length of its vectors; 0 without any.")
    index_recall = serializers.FloatField(allow_null=True)
    metrics = serializers.DictField(help_text="What was measured when it was trained.")
    as_of = serializers.DateTimeField(help_text="It learned from the events before this moment.")
    created_at = serializers.DateTimeField()
    promoted_at = serializers.DateTimeField(allow_null=True)
    retired_at = serializers.DateTimeField(allow_null=True)
    pruned_at = serializers.DateTimeField(
        allow_null=True, help_text="When its folder and vectors were deleted."
    )


class ModelDetailOutput(ModelOutput):
    """A model version with its config and the gate's report."""

    semantic_version = serializers.CharField(
        allow_null=True, help_text="Name of the version of semantic IDs that it reads."
    )
    config = serializers.DictField()
    manifest_sha256 = serializers.CharField(allow_blank=True)
    gate = serializers.DictField(
        help_text="`passed`, `reasons` in words, and the numbers on each slice; {} before."
    )


class ModelsApi(Api):
    """Versions of what is trained."""

    parameters = (*PAGE_PARAMETERS, "kind", "state")

    class FilterInput(PageInput):
        """Which of them."""

        kind = serializers.ChoiceField(choices=KINDS, required=False)
        state = serializers.ChoiceField(choices=STATES, required=False)

    class PageOutput(serializers.Serializer[Any]):
        """A page of model versions."""

        models = ModelOutput(many=True)
        next_cursor = serializers.CharField(allow_null=True)

    @extend_schema(
        operation_id="list_models", tags=["models"], parameters=[FilterInput],
        responses={200: PageOutput}, summary="List model versions",
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        """Newest first."""
        wanted = read(self.FilterInput, request.query_params)
        chosen = {name: wanted[name] for name in ("kind", "state") if name in wanted}
        return page_response(
            request,
            ModelVersion.objects.filter(**chosen),
            name="models",
            as_json=model_json,
            wanted=wanted,
            newest_first=True,
        )


class ModelApi(Api):
    """One version."""

    @extend_schema(
        operation_id="get_model", tags=["models"], responses={200: ModelDetailOutput},
        summary="One model version",
    )  # fmt: skip
    def get(self, request: Request, model_id: int) -> Response:
        """With its config, and all that the gate measured and said."""
        return Response(detail_json(_version(model_id)))


class PromoteModelApi(Api):
    """Making a version live."""

    required_scope = ADMIN

    @extend_schema(
        operation_id="promote_model", tags=["models"], request=None,
        responses={200: ModelOutput, **REFUSED}, summary="Make a model version live",
    )  # fmt: skip
    def post(self, request: Request, model_id: int) -> Response:
        """The one that was live is retired in the same step.

        Answers 409 (`cannot_promote`) for one that was refused or pruned, or whose folder is not
        as it was written.
        """
        return Response(model_json(registry.promote(version=_version(model_id))))


class RollBackModelApi(Api):
    """Going back to the version before."""

    required_scope = ADMIN

    class InputSerializer(StrictSerializer):
        """Body of the roll back."""

        kind = serializers.ChoiceField(choices=KINDS)

    @extend_schema(
        operation_id="roll_back_model", tags=["models"], request=InputSerializer,
        responses={200: ModelOutput, **REFUSED},
        summary="Make the version before the live one live",
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """The version that is live now. Answers 409 (`cannot_roll_back`) where none was before."""
        wanted = read(self.InputSerializer, request.data)
        return Response(model_json(registry.roll_back(kind=wanted["kind"])))


def model_json(version: ModelVersion) -> dict[str, Any]:
    """A version in the shape of ModelOutput."""
    times = {name: getattr(version, name) for name in TIMES}
    return {
        **{name: getattr(version, name) for name in SUMMARY},
        **{name: time.isoformat() if time else None for name, time in times.items()},
    }


def detail_json(version: ModelVersion) -> dict[str, Any]:
    """A version in the shape of ModelDetailOutput."""
    semantic = version.semantic_version
    return {
        **model_json(version),
        "semantic_version": semantic.name if semantic else None,
        "config": version.config,
        "manifest_sha256": version.manifest_sha256,
        "gate": version.gate,
    }


def _version(model_id: int) -> ModelVersion:
    found: ModelVersion | None = (
        ModelVersion.objects.select_related("semantic_version").filter(pk=model_id).first()
    )
    if found is None:
        raise NotFound(f"There is no model version {model_id}.", field="id")
    return found
