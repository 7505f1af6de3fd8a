"""Queries as the API shows them: one shape in every answer."""

from typing import Any

from rest_framework import serializers

from catalog.types import QueryRecommendation

ANGLES = ("narrower", "broader", "angle", "category", "new")


class SuggestedQueryOutput(serializers.Serializer[Any]):
    """A query to complete to."""

    text = serializers.CharField()
    source = serializers.CharField(  # type: ignore[assignment]  # DRF's own `source`
        help_text="titles, names, expansions, log or recent."
    )
    hint = serializers.CharField(allow_blank=True)
    answers = serializers.IntegerField(help_text="Items that answer it, when last counted.")


class RecommendedQueryOutput(SuggestedQueryOutput):
    """A query worth trying next."""

    angle = serializers.ChoiceField(choices=ANGLES)


def suggested_json(each: QueryRecommendation) -> dict[str, Any]:
    """A query in the shape of SuggestedQueryOutput."""
    return {
        "text": each.text,
        "source": each.source,
        "hint": each.hint,
        "answers": each.answers,
    }


def recommended_json(each: QueryRecommendation) -> dict[str, Any]:
    """A query in the shape of RecommendedQueryOutput."""
    return suggested_json(each) | {"angle": each.angle}
