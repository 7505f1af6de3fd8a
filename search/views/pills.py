"""Queries worth trying next, as the row of links above the hits."""

from collections.abc import Iterable
from dataclasses import dataclass

from catalog.profiles import current_profile
from catalog.types import QueryEvidence, QueryRecommendation
from search.query_mixing import WAYS
from search.query_reasons import why
from search.views.params import query_url

LABELS = {
    "narrower": "Narrower",
    "broader": "Broader",
    "angle": "Another angle",
    "category": "Another category",
    "new": "New here",
    "recent": "Yours",
}
ANGLES = {way: LABELS[way] for way in WAYS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pill:
    """One link."""

    text: str
    url: str
    hint: str
    why: str = ""
    # What it was chosen by, for who may see that and asked for it.
    evidence: QueryEvidence | None = None
    score: float = 0.0
    stated: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PillGroup:
    """Links that lead the same way."""

    angle: str
    label: str
    pills: tuple[Pill, ...]


def pill_groups(recommended: Iterable[QueryRecommendation]) -> tuple[PillGroup, ...]:
    """The recommendations by angle, that of the best one first, as query_mixing.places_by_way says.

    Those of an angle without a name stand with the others.
    """
    profile = current_profile()
    by_angle: dict[str, list[Pill]] = {}
    for query in recommended:
        angle = query.angle if query.angle in ANGLES else "angle"
        url = query_url(query.text, source=query.source)
        by_angle.setdefault(angle, []).append(
            Pill(
                text=query.text,
                url=url,
                hint=query.hint,
                why=why(query, profile),
                evidence=query.evidence,
                score=query.score,
                stated=query.stated,
            )
        )
    return tuple(
        PillGroup(angle=angle, label=ANGLES[angle], pills=tuple(pills))
        for angle, pills in by_angle.items()
    )
