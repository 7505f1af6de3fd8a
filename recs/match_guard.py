"""The hard limit of a match filter: the share of good matches that it may cost, for sure.

Asked at every promotion and roll back, and when somebody moves a threshold.
"""

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from recs.models import ModelVersion

KIND = ModelVersion.Kind.MATCH_FILTER


def limit() -> float:
    """Share of the good matches that may be lost, at the upper bound of its interval."""
    return float(settings.MATCH_FILTER_MOST_GOOD_LOST)


def is_within(point: Mapping[str, Any]) -> bool:
    """Whether a point of a sweep keeps to the limit."""
    lost = point.get("lost_high")
    return isinstance(lost, int | float) and lost <= limit()


def why_not(version: ModelVersion) -> str:
    """Why a match filter may not answer; "" where it may, and of every other kind."""
    if version.kind != KIND:
        return ""
    points = serving_points(version)
    if not points:
        return f"{version} passed the gate for nothing: there is nothing that it could leave out."
    for head, point in points.items():
        if not is_within(point):
            return (
                f"{version} would lose up to {point.get('lost_high', 1.0):.1%} of the good matches "
                f"({head}); {limit():.1%} is the most (MATCH_FILTER_MOST_GOOD_LOST)."
            )
    return ""


def serving_points(version: ModelVersion) -> dict[str, Mapping[str, Any]]:
    """The point that each head serves at: the one that somebody picked, else the gate's."""
    heads = version.gate.get("heads", {})
    chosen = version.metrics.get("chosen", {})
    return {
        head: chosen.get(head, {}).get("point") or told["point"]
        for head, told in heads.items()
        if told.get("passed") and told.get("point")
    }
