"""Search analytics over REST: how search went by day, and the queries worth a look."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.base import Api
from catalog.errors import InvalidInput
from catalog.models import ApiKey
from catalog.values import did_you_mean
from search.analytics.anew import Reformulation, reformulations
from search.analytics.measures import Difference, Mean
from search.analytics.overview import Numbers, overview
from search.analytics.queries import (
    QueryNumbers,
    no_click_queries,
    no_result_queries,
    top_queries,
)
from search.analytics.scope import CHOICES, DEFAULT_DAYS, MOST_DAYS, Scope
from search.reports import Share

ADMIN = ApiKey.Scope.ADMIN.value
MAX_LIMIT, DEFAULT_LIMIT = 200, 50
READS = {"top": top_queries, "no_results": no_result_queries, "no_clicks": no_click_queries}
KINDS = (*READS, "reformulations")
SCOPE = ("days", "from", "to", *CHOICES)
SCOPE_PARAMETERS = [
    OpenApiParameter(
        "days", {"type": "integer", "minimum": 1, "maximum": MOST_DAYS}, default=DEFAULT_DAYS,
        description=f"The days until now, 1 to {MOST_DAYS}.",
    ),
    OpenApiParameter(
        "from", {"type": "string", "format": "date"},
        description="First day in UTC, instead of `days`.",
    ),
    OpenApiParameter(
        "to", {"type": "string", "format": "date"},
        description="Last day in UTC; today where it is left out.",
    ),
    *(
        OpenApiParameter(
            name, str, enum=[value for value in choices if value],
            description="; ".join(
                f"`{value}`: {label.lower()}" for value, (label, _) in choices.items() if value
            ),
        )
        for name, choices in CHOICES.items()
    ),
]  # fmt: skip


class ShareOutput(serializers.Serializer[Any]):
    """A part of a whole, with the 95 % interval of what it may be in the long run (Wilson)."""

    part = serializers.IntegerField()
    whole = serializers.IntegerField()
    value = serializers.FloatField(help_text="0 where nothing was counted.")
    low = serializers.FloatField()
    high = serializers.FloatField()


class MeanOutput(serializers.Serializer[Any]):
    """A mean of `count` values, with its 95 % interval; null without any."""

    value = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    count = serializers.IntegerField()


class LatencyOutput(serializers.Serializer[Any]):
    """Milliseconds that so many percent of the answers took at most; null without any."""

    p50 = serializers.FloatField(allow_null=True)
    p95 = serializers.FloatField(allow_null=True)
    p99 = serializers.FloatField(allow_null=True)


class NumbersOutput(serializers.Serializer[Any]):
    """Finished searches, and what followed them within a day."""

    searches = serializers.IntegerField()
    people = serializers.IntegerField(help_text="Known ones and guests.")
    no_results = ShareOutput()
    clicked = ShareOutput(help_text="An item was looked at or taken.")
    taken = ShareOutput(help_text="Played, liked, added, bought or rated well.")
    anew = ShareOutput(help_text="No click, and asked again in other words.")
    picked = ShareOutput(help_text="Begun from a recommended query.")
    reciprocal_rank = MeanOutput(help_text="1 / place of the first click, where there was one.")
    latency_ms = LatencyOutput()


class DayNumbersOutput(NumbersOutput):
    """The numbers of a day, in UTC."""

    date = serializers.DateField()


class DifferenceOutput(serializers.Serializer[Any]):
    """What a number rose by, with its 95 % interval (Newcombe)."""

    value = serializers.FloatField()
    low = serializers.FloatField()
    high = serializers.FloatField()
    is_sure = serializers.BooleanField(help_text="The interval leaves 0 out.")


class SearchAnalyticsOutput(serializers.Serializer[Any]):
    """A period, compared with the one of the same length before it."""

    start = serializers.DateTimeField()
    end = serializers.DateTimeField(help_text="Excluded.")
    totals = NumbersOutput()
    before = NumbersOutput()
    differences = serializers.DictField(
        child=DifferenceOutput(allow_null=True),
        help_text="By the name of the number; null where there is nothing to compare with.",
    )
    days = DayNumbersOutput(many=True)


class AnalysedQueryOutput(serializers.Serializer[Any]):
    """A query, of those of its searches that count for the kind."""

    query = serializers.CharField(help_text="As most people typed it.")
    normalized_query = serializers.CharField()
    searches = serializers.IntegerField()
    people = serializers.IntegerField()
    no_results = ShareOutput()
    clicked = ShareOutput()
    taken = ShareOutput()
    reciprocal_rank = serializers.FloatField(help_text="0 without a click.")
    found = serializers.IntegerField(help_text="Hits the last time.")
    last_seen = serializers.DateTimeField()


class ReformulationOutput(serializers.Serializer[Any]):
    """A query that led to no click, and what the same people asked next."""

    query = serializers.CharField()
    normalized_query = serializers.CharField()
    then_query = serializers.CharField()
    then_normalized_query = serializers.CharField()
    times = serializers.IntegerField()
    people = serializers.IntegerField()
    first_found_nothing = serializers.IntegerField(help_text="How many of `times`.")
    then_found = serializers.IntegerField(help_text="How many of `times`.")


class QueryAnalyticsOutput(serializers.Serializer[Any]):
    """Queries of one kind, those of most people first."""

    kind = serializers.ChoiceField(choices=KINDS)
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    least_people = serializers.IntegerField(help_text="What fewer people asked is not told.")
    queries = AnalysedQueryOutput(many=True, help_text="Empty for reformulations.")
    reformulations = ReformulationOutput(many=True, help_text="Empty for the other kinds.")


SHARE = {"part": 31, "whole": 412, "value": 0.075243, "low": 0.053545, "high": 0.104758}
QUERY_EXAMPLE = {
    "kind": "no_results", "start": "2026-03-01T00:00:00Z", "end": "2026-03-08T00:00:00Z",
    "least_people": 3, "reformulations": [],
    "queries": [{
        "query": "Zzyzx road", "normalized_query": "zzyzx road", "searches": 9, "people": 7,
        "no_results": {"part": 9, "whole": 9, "value": 1.0, "low": 0.700855, "high": 1.0},
        "clicked": {"part": 0, "whole": 9, "value": 0.0, "low": 0.0, "high": 0.299145},
        "taken": {"part": 0, "whole": 9, "value": 0.0, "low": 0.0, "high": 0.299145},
        "reciprocal_rank": 0.0, "found": 0, "last_seen": "2026-03-07T18:20:11Z",
    }],
}  # fmt: skip
NUMBERS_EXAMPLE = {
    "searches": 412, "people": 130, "no_results": SHARE, "clicked": SHARE, "taken": SHARE,
    "anew": SHARE, "picked": SHARE,
    "reciprocal_rank": {"value": 0.61, "low": 0.57, "high": 0.65, "count": 190},
    "latency_ms": {"p50": 18.2, "p95": 44.0, "p99": 90.3},
}  # fmt: skip
OVERVIEW_EXAMPLE = {
    "start": "2026-03-01T00:00:00Z", "end": "2026-03-02T00:00:00Z",
    "totals": NUMBERS_EXAMPLE, "before": NUMBERS_EXAMPLE,
    "differences": {
        "no_results": {"value": -0.031, "low": -0.058, "high": -0.004, "is_sure": True}
    },
    "days": [{"date": "2026-03-01", **NUMBERS_EXAMPLE}],
}  # fmt: skip


class SearchAnalyticsApi(Api):
    """How search went."""

    required_scope = ADMIN
    parameters = SCOPE

    @extend_schema(
        operation_id="search_analytics", tags=["analytics"], parameters=SCOPE_PARAMETERS,
        responses={200: SearchAnalyticsOutput}, summary="Searches by day",
        examples=[OpenApiExample("A day", value=OVERVIEW_EXAMPLE, response_only=True)],
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        """As a whole, by day, and against the period before; counted at most each half minute."""
        scope = Scope.read(request.query_params.dict())
        found = overview(scope)
        differences = found.differences.items()
        return Response(
            {
                "start": scope.period.start,
                "end": scope.period.end,
                "totals": _numbers_json(found.totals),
                "before": _numbers_json(found.before),
                "differences": {name: _difference_json(one) for name, one in differences},
                "days": [{"date": day, **_numbers_json(row)} for day, row in found.days.items()],
            }
        )


class QueryAnalyticsApi(Api):
    """Queries worth a look."""

    required_scope = ADMIN
    parameters = ("kind", "limit", *SCOPE)

    @extend_schema(
        operation_id="query_analytics", tags=["analytics"],
        parameters=[
            OpenApiParameter("kind", str, enum=KINDS, required=True),
            OpenApiParameter(
                "limit", {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT},
                default=DEFAULT_LIMIT, description=f"1 to {MAX_LIMIT}.",
            ),
            *SCOPE_PARAMETERS,
        ],
        responses={200: QueryAnalyticsOutput},
        summary="Queries asked most, without results, without clicks, or asked again",
        examples=[OpenApiExample("No results", value=QUERY_EXAMPLE, response_only=True)],
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        """Those of most people first; what fewer than `least_people` asked is told to nobody."""
        given = request.query_params.dict()
        kind, limit, scope = _kind(given.get("kind", "")), _limit(given), Scope.read(given)
        least = settings.SEARCH_MIN_PEOPLE_PER_QUERY
        queries = READS[kind](scope, limit=limit, people=least) if kind in READS else []
        pairs = [] if kind in READS else reformulations(scope, limit=limit, people=least)
        return Response(
            {
                "kind": kind,
                "start": scope.period.start,
                "end": scope.period.end,
                "least_people": least,
                "queries": [_query_json(row) for row in queries],
                "reformulations": [_pair_json(row) for row in pairs],
            }
        )


def _kind(given: str) -> str:
    if given not in KINDS:
        hint = did_you_mean(given[:60], KINDS)
        raise InvalidInput(f"'kind' is one of {', '.join(KINDS)}.{hint}", field="kind")
    return given


def _limit(given: dict[str, str]) -> int:
    text = given.get("limit", "").strip() or str(DEFAULT_LIMIT)
    if text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) <= MAX_LIMIT:
        return int(text)
    raise InvalidInput(f"'limit' is a whole number from 1 to {MAX_LIMIT}.", field="limit")


def _share_json(share: Share) -> dict[str, Any]:
    low, high = (round(end, 6) for end in share.interval)
    value = round(share.value, 6)
    return {"part": share.part, "whole": share.whole, "value": value, "low": low, "high": high}


def _mean_json(mean: Mean) -> dict[str, Any]:
    told = (mean.value, *mean.interval) if mean.count else (None, None, None)
    value, low, high = (None if one is None else round(one, 6) for one in told)
    return {"value": value, "low": low, "high": high, "count": mean.count}


def _difference_json(one: Difference | None) -> dict[str, Any] | None:
    if one is None:
        return None
    numbers = {name: round(getattr(one, name), 6) for name in ("value", "low", "high")}
    return {**numbers, "is_sure": one.is_sure}


def _numbers_json(row: Numbers) -> dict[str, Any]:
    shares = ("no_results", "clicked", "taken", "anew", "picked")
    spent = zip(("p50", "p95", "p99"), row.latency_ms, strict=True)
    return {
        "searches": row.searches,
        "people": row.people,
        **{name: _share_json(getattr(row, name)) for name in shares},
        "reciprocal_rank": _mean_json(row.reciprocal_rank),
        "latency_ms": {name: round(ms, 3) if row.searches else None for name, ms in spent},
    }


def _query_json(row: QueryNumbers) -> dict[str, Any]:
    return {
        "query": row.text,
        "normalized_query": row.normalized,
        "searches": row.searches,
        "people": row.people,
        "no_results": _share_json(row.no_results),
        "clicked": _share_json(row.clicked),
        "taken": _share_json(row.taken),
        "reciprocal_rank": round(row.reciprocal_rank, 6),
        "found": row.found,
        "last_seen": row.last_seen,
    }


def _pair_json(row: Reformulation) -> dict[str, Any]:
    return {
        "query": row.text,
        "normalized_query": row.normalized,
        "then_query": row.then_text,
        "then_normalized_query": row.then_normalized,
        "times": row.times,
        "people": row.people,
        "first_found_nothing": row.first_found_nothing,
        "then_found": row.then_found,
    }
