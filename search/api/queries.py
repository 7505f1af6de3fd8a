"""Queries as the API shows them: one shape in every answer."""

from typing import Any

from rest_framework import serializers

from catalog.profiles import current_profile
from catalog.types import QueryEvidence, QueryRecommendation
from recs.api.explaining import rounded
from search.query_reasons import why

ANGLES = ("narrower", "broader", "angle", "category", "new")


class SuggestedQueryOutput(serializers.Serializer[Any]):
    """A query to complete to."""

    text = serializers.CharField()
    source = serializers.CharField(  # type: ignore[assignment]  # DRF's own `source`
        help_text="titles, names, expansions, log, onward or recent."
    )
    hint = serializers.CharField(allow_blank=True)
    answers = serializers.IntegerField(help_text="Items that answer it, when last counted.")


class QueryExplanationOutput(serializers.Serializer[Any]):
    """What a recommended query was chosen by. Numbers of people are those that may be told."""

    sources = serializers.ListField(
        child=serializers.CharField(), help_text="All that offer it, its own first."
    )
    rule = serializers.CharField(help_text="That made it: creator_category, searched, ...")
    people = serializers.IntegerField(
        allow_null=True, help_text="Who typed it; null for fewer than may be told of."
    )
    hits = serializers.IntegerField(help_text="The best hits that it was compared with.")
    shared = serializers.IntegerField(help_text="Of these, that have all that it speaks of.")
    made = serializers.IntegerField(help_text="Of these, by somebody whom it names.")
    went_on = serializers.FloatField(
        allow_null=True, help_text="Share of people who searched it next; null where too few did."
    )
    nearness = serializers.FloatField(
        allow_null=True, help_text="0 to 1, of what people chose after both; null where unknown."
    )
    own_days = serializers.FloatField(
        allow_null=True, help_text="Days since the viewer searched it; null for never."
    )
    cold = serializers.BooleanField(
        help_text="It has a place that is kept for categories hardly shown yet."
    )
    stated = serializers.FloatField(help_text="The stated score.")
    score = serializers.FloatField(help_text="The ranker's chance, else the stated score.")
    version = serializers.CharField(
        allow_null=True, help_text="Of the ranker that gave the score; null for the stated one."
    )
    groups = serializers.DictField(
        child=serializers.FloatField(),
        help_text="By group of features what it added to the log-odds, against a usual candidate "
        "of the list; empty without a ranker.",
    )


class RecommendedQueryOutput(SuggestedQueryOutput):
    """A query worth trying next."""

    angle = serializers.ChoiceField(choices=ANGLES)
    why = serializers.CharField(
        allow_blank=True, help_text="Why it is here: plain sentences, fit to be shown."
    )
    explanation = QueryExplanationOutput(
        required=False, help_text="With `explain`: what it was chosen by."
    )


def suggested_json(each: QueryRecommendation) -> dict[str, Any]:
    """A query in the shape of SuggestedQueryOutput."""
    return {
        "text": each.text,
        "source": each.source,
        "hint": each.hint,
        "answers": each.answers,
    }


def recommended_json(
    each: QueryRecommendation, *, explain: bool = False, tell_own: bool = True
) -> dict[str, Any]:
    """A query in the shape of RecommendedQueryOutput.

    Args:
        each: as it is recommended.
        explain: whether the caller may see what it was chosen by, and asked for it.
        tell_own: whether the caller may know what the viewer did before.
    """
    told = suggested_json(each) | {
        "angle": each.angle,
        "why": why(each, current_profile(), tell_own=tell_own),
    }
    if explain and each.evidence is not None:
        told["explanation"] = _explanation_json(each, each.evidence)
    return told


def _explanation_json(each: QueryRecommendation, known: QueryEvidence) -> dict[str, Any]:
    return {
        "sources": list(known.sources),
        "rule": known.rule,
        "people": known.people or None,
        "hits": known.hits,
        "shared": known.shared,
        "made": known.made,
        "went_on": round(known.went_on, 4) or None,
        "nearness": round(known.nearness, 4) or None,
        "own_days": None if known.own_days is None else round(known.own_days, 2),
        "cold": known.is_cold,
        "stated": each.stated,
        "score": each.score,
        "version": known.version or None,
        "groups": rounded(known.groups),
    }
