"""How much people explore, over REST."""

import math
from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.base import Api
from search.analytics.scope import Scope
from search.api.analytics import ADMIN, SCOPE, SCOPE_PARAMETERS
from search.exploration.measures import Exploration, Ratio
from search.exploration.report import CategoryReach, exploration

RATIOS = (
    "exploratory", "reach", "words", "longest", "downstream", "success", "known_success",
)  # fmt: skip
MAX_CATEGORY_CHARACTERS = 300


class RatioOutput(serializers.Serializer[Any]):
    """A mean or a share with its 95 % interval by person."""

    value = serializers.FloatField(allow_null=True, help_text="Null where nothing was counted.")
    low = serializers.FloatField(allow_null=True, help_text="Null for fewer than two people.")
    high = serializers.FloatField(allow_null=True)
    whole = serializers.FloatField(help_text="Searches or people that it is a mean over.")


class ExplorationOutput(serializers.Serializer[Any]):
    """Finished searches, the newest 5,000 of the period at most."""

    searches = serializers.IntegerField()
    people = serializers.IntegerField()
    exploratory = RatioOutput(help_text="Share of searches that are exploratory.")
    reach = RatioOutput(help_text="Share of people who came to a category new to them.")
    words = RatioOutput(help_text="Words of a query.")
    longest = RatioOutput(help_text="Words of the longest query of a person.")
    longest_of_all = serializers.IntegerField()
    downstream = RatioOutput(help_text="Exploratory searches after which an item was taken.")
    success = RatioOutput(help_text="Searches after which an item was wanted: the guardrail.")
    known_success = RatioOutput(help_text="The same of searches that are not exploratory.")
    gini = serializers.FloatField(help_text="Of the first ten places over all visible items.")
    shown = serializers.IntegerField(help_text="Items that were among the first ten at all.")
    items = serializers.IntegerField(help_text="Visible items.")


class DayExplorationOutput(ExplorationOutput):
    """The numbers of a day, in UTC."""

    date = serializers.DateField()


class CategoryReachOutput(serializers.Serializer[Any]):
    """How the category that was asked for fares."""

    category = serializers.CharField()
    items = serializers.IntegerField()
    shown = serializers.IntegerField(help_text="Items of it among first ten hits.")
    people = serializers.IntegerField(help_text="Who attended to one after a search.")
    searched = RatioOutput(help_text="Searches that showed one.")
    attended = RatioOutput(help_text="Searches that led to one.")


class ColdReachOutput(serializers.Serializer[Any]):
    """Visible items that nobody has wanted yet."""

    items = serializers.IntegerField()
    shown = serializers.IntegerField(help_text="Of them, among first ten hits.")


class ExplorationReportOutput(serializers.Serializer[Any]):
    """A period."""

    start = serializers.DateTimeField()
    end = serializers.DateTimeField(help_text="Excluded.")
    totals = ExplorationOutput()
    days = DayExplorationOutput(many=True)
    cold = ColdReachOutput()
    category = CategoryReachOutput(allow_null=True)


RATIO = {"value": 0.31, "low": 0.27, "high": 0.35, "whole": 412.0}
NUMBERS = {
    "searches": 412, "people": 130, **dict.fromkeys(RATIOS, RATIO), "longest_of_all": 9,
    "gini": 0.84, "shown": 911, "items": 4820,
}  # fmt: skip
EXAMPLE = {
    "start": "2026-03-01T00:00:00Z", "end": "2026-03-02T00:00:00Z", "totals": NUMBERS,
    "days": [{"date": "2026-03-01", **NUMBERS}], "cold": {"items": 1210, "shown": 87},
    "category": None,
}  # fmt: skip


class ExplorationApi(Api):
    """How much people explore."""

    required_scope = ADMIN
    parameters = (*SCOPE, "category")

    @extend_schema(
        operation_id="exploration_analytics", tags=["analytics"],
        parameters=[
            *SCOPE_PARAMETERS,
            OpenApiParameter("category", str, description="Tell how this one is reached."),
        ],
        responses={200: ExplorationReportOutput}, summary="Exploration by day",
        examples=[OpenApiExample("A day", value=EXAMPLE, response_only=True)],
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        """By what a query is and whether its kind was new, not by who proposed it."""
        given = request.query_params.dict()
        category = given.get("category", "").replace("\x00", "")[:MAX_CATEGORY_CHARACTERS]
        scope = Scope.read(given)
        found = exploration(scope, category=category)
        return Response(
            {
                "start": scope.period.start,
                "end": scope.period.end,
                "totals": _numbers(found.totals),
                "days": [{"date": day, **_numbers(row)} for day, row in found.days.items()],
                "cold": {"items": found.cold.items, "shown": found.cold.shown},
                "category": _category(found.category) if found.category else None,
            }
        )


def _numbers(row: Exploration) -> dict[str, Any]:
    plain = ("searches", "people", "longest_of_all", "shown", "items")
    return {
        **{name: getattr(row, name) for name in plain},
        **{name: _ratio(getattr(row, name)) for name in RATIOS},
        "gini": round(row.gini, 6),
    }


def _category(reach: CategoryReach) -> dict[str, Any]:
    plain = ("category", "items", "shown", "people")
    return {
        **{name: getattr(reach, name) for name in plain},
        "searched": _ratio(reach.searched),
        "attended": _ratio(reach.attended),
    }


def _ratio(one: Ratio) -> dict[str, Any]:
    low, high = one.interval
    is_known = math.isfinite(high)
    return {
        "value": round(one.value, 6) if one.whole else None,
        "low": round(low, 6) if is_known else None,
        "high": round(high, 6) if is_known else None,
        "whole": one.whole,
    }
