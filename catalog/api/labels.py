"""Labels over REST: judgments of people, models and LLMs."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.base import Api, StrictSerializer, read
from catalog.api.pagination import PAGE_PARAMETERS, PageInput, page_response
from catalog.errors import InvalidInput, NotFound
from catalog.labels import is_stale, set_label, stale
from catalog.models import ApiKey, Item, Label, Person


class LabelOutput(serializers.Serializer[Any]):
    """One grade by one labeller."""

    kind = serializers.ChoiceField(choices=Label.Kind.choices)
    query = serializers.CharField(allow_blank=True)
    user_id = serializers.CharField(allow_null=True)
    item_id = serializers.CharField()
    grade = serializers.IntegerField(help_text="0 bad, 1 fair, 2 good, 3 perfect")
    source = serializers.ChoiceField(choices=Label.Source.choices)  # type: ignore[assignment]
    labeller = serializers.CharField()
    note = serializers.CharField(allow_blank=True)
    guideline = serializers.CharField(
        allow_blank=True, help_text="Version of the guideline that it was given by; may be empty."
    )
    stale = serializers.BooleanField(
        help_text="The item has another text now, or the guideline another version."
    )
    propensity = serializers.FloatField(
        allow_null=True, help_text="Chance with which the pair was drawn to be judged."
    )
    confidence = serializers.FloatField(allow_null=True, help_text="Of a model in its own grade.")
    updated_at = serializers.DateTimeField()


STALE = {"true": True, "false": False}


class LabelsApi(Api):
    """How well items fit queries and people."""

    required_scope = ApiKey.Scope.LABELS.value
    parameters = (*PAGE_PARAMETERS, "kind", "stale")

    class InputSerializer(StrictSerializer):
        """A grade: of an item for a query, or for a person."""

        kind = serializers.ChoiceField(choices=Label.Kind.choices)
        query = serializers.CharField(
            required=False, default="", allow_blank=True, max_length=500,
            help_text="For relevance.",
        )  # fmt: skip
        user_id = serializers.CharField(
            required=False, default="", allow_blank=True, max_length=200, help_text="For fit."
        )
        item_id = serializers.CharField(max_length=200)
        grade = serializers.IntegerField(min_value=0, max_value=3)
        source = serializers.ChoiceField(  # type: ignore[assignment]
            choices=Label.Source.choices, default="human"
        )
        labeller = serializers.CharField(max_length=100)
        note = serializers.CharField(required=False, default="", allow_blank=True, max_length=5000)

    class PageOutput(serializers.Serializer[Any]):
        """A page of labels."""

        labels = LabelOutput(many=True)
        next_cursor = serializers.CharField(allow_null=True)

    @extend_schema(
        operation_id="set_label", tags=["labels"], request=InputSerializer,
        responses={200: LabelOutput}, summary="Store a grade",
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """A second grade by the same labeller replaces the first."""
        given = read(self.InputSerializer, request.data)
        item = Item.objects.filter(external_id=given.pop("item_id")).first()
        if item is None:
            raise NotFound("There is no such item.", field="item_id")
        person = _person(given.pop("user_id"))
        label = set_label(item_id=item.pk, person=person, **given)
        label.item, label.person = item, person
        return Response(label_json(label))

    @extend_schema(
        operation_id="list_labels", tags=["labels"], summary="List labels",
        parameters=[
            PageInput,
            OpenApiParameter("kind", str, enum=Label.Kind.values),
            OpenApiParameter("stale", bool, description="Stale ones only, or only the others."),
        ],
        responses={200: PageOutput},
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        """In the order they were first given."""
        wanted = read(PageInput, request.query_params)
        labels = Label.objects.select_related("item", "person").defer(
            "item__search_vector", "item__description", "item__keywords"
        )
        kind = request.query_params.get("kind", "")
        if kind:
            if kind not in Label.Kind.values:
                raise InvalidInput(
                    f"'kind' is one of {', '.join(Label.Kind.values)}.", field="kind"
                )
            labels = labels.filter(kind=kind)
        if asked := request.query_params.get("stale", ""):
            if asked not in STALE:
                raise InvalidInput("'stale' is true or false.", field="stale")
            labels = labels.filter(stale() if STALE[asked] else ~stale())
        return page_response(request, labels, name="labels", as_json=label_json, wanted=wanted)


def label_json(label: Label) -> dict[str, Any]:
    """A label in the shape of LabelOutput."""
    return {
        "kind": label.kind,
        "query": label.query,
        "user_id": label.person.external_id if label.person else None,
        "item_id": label.item.external_id,
        "grade": label.grade,
        "source": label.source,
        "labeller": label.labeller,
        "note": label.note,
        "guideline": label.guideline,
        "stale": is_stale(label),
        "propensity": label.propensity,
        "confidence": label.confidence,
        "updated_at": label.updated_at,
    }


def _person(user_id: str) -> Person | None:
    if not user_id:
        return None
    person = Person.objects.filter(external_id=user_id).first()
    if person is None:
        raise NotFound("There is no such person: they have no events yet.", field="user_id")
    return person
