"""Values that cross the catalog's borders: plain, frozen, without Django."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import NewType

ItemId = NewType("ItemId", int)


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Who is looking: a known person, an anonymous visitor, or nobody (all None)."""

    person_id: int | None = None
    anonymous_id: str | None = None
    session_id: str | None = None

    @property
    def is_nobody(self) -> bool:
        """True where there is no history to look up."""
        return self.person_id is None and not self.anonymous_id


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemInput:
    """One item as a caller or an importer gives it. Already validated and of the right types."""

    external_id: str
    title: str
    description: str = ""
    category_paths: Sequence[str] = ()
    creators: Sequence[str] = ()
    attributes: Mapping[str, object] = field(default_factory=dict)
    image_url: str = ""
    price: Decimal | None = None
    currency: str = ""
    countries: Sequence[str] = ()
    released_on: date | None = None
    year: int | None = None
    available_from: datetime | None = None
    available_until: datetime | None = None
    is_hidden: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EventInput:
    """One event as a caller or an importer gives it; ids are the caller's own."""

    kind: str
    item_id: str
    time: datetime
    user_id: str = ""
    anonymous_id: str = ""
    session_id: str = ""
    query_id: str = ""
    surface: str = ""
    position: int | None = None
    value: float | None = None
    event_id: str = ""
    properties: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteResult:
    """What became of one row of a bulk write.

    status: "created", "updated", "unchanged", "accepted", "duplicate" or "error".
    """

    status: str
    id: str = ""
    field: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedItem:
    """One place in a ranked list. `position` counts from 1, a higher `score` is better.

    `explanation`: what spoke for it, by name; {} where its source tells nothing.
    """

    item_id: int
    position: int
    score: float
    source: str
    reason: str = ""
    explanation: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryEvidence:
    """Why a query is recommended: facts that may be told, made without asking anything anew.

    `sources`: every source that offers it, the one that it is kept under first. `rule`: that made
    it. `people`: how many typed it, 0 where they are too few to be told of. `hits`: of how many of
    the best hits it was asked; `shared`: how many of them have all that it speaks of; `made`: how
    many were made by somebody whom it names. `keeps`: "all", "some" or "none" of the typed words.
    `went_on`: share of the people who went on to it from here, `nearness`: 0 to 1 of what was
    chosen after both; 0 where neither is known. `own_days`: days since the viewer searched it; None
    where they did not, or are not told. `is_near`: it names the decade before or after. `is_cold`:
    it has a place kept for categories that were hardly shown. `surface`: of the page. `version`: of
    the ranker that gave the score, "" for the stated one; `groups`: by how much each group of
    features raised its log-odds above those of a usual candidate of the list.
    """

    sources: tuple[str, ...]
    rule: str
    people: int = 0
    hits: int = 0
    shared: int = 0
    made: int = 0
    keeps: str = "none"
    went_on: float = 0.0
    nearness: float = 0.0
    own_days: float | None = None
    is_near: bool = False
    is_cold: bool = False
    surface: str = ""
    version: str = ""
    groups: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryRecommendation:
    """A query worth trying next."""

    text: str
    source: str
    angle: str = "angle"  # narrower, broader, angle, category, new
    hint: str = ""
    score: float = 0.0
    answers: int = 0
    # The stated score, where a ranker gave `score`; what the ranker read, to be kept with the
    # answer; and why it is here, None for a completion.
    stated: float = 0.0
    features: tuple[float, ...] = ()
    evidence: QueryEvidence | None = None
