"""The match filter as it answers: which version, in which mode on a surface, and what it drops.

It scores what a model has put in order already and leaves out what it holds to be a bad match. The
rows and vectors that it reads are the request's own: no network but its own small one is asked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from catalog.errors import InvalidInput
from recs import match_guard, registry
from recs.errors import UnusableVersion
from recs.history import History
from recs.loaded import Loaded
from recs.match_items import ReadItems, read_items
from recs.ml.match import fit_features, relevance_features
from recs.ml.match.fit_features import Taste
from recs.ml.match.relevance_features import Asked
from recs.ml.match.scorer import MatchScorer, scorer_of
from recs.ml.match.texts import Rarity
from recs.models import ModelVersion, Surface
from recs.recommenders.base import Candidate
from recs.surfaces import setting

KIND = match_guard.KIND
RELEVANCE, FIT = "relevance", "fit"
FEATURES = {RELEVANCE: relevance_features.NAMES, FIT: fit_features.NAMES}
# Which head judges a surface.
SURFACES = {"search": RELEVANCE, "home": FIT}
OFF, SHADOW, ON = (mode.value for mode in Surface.MatchFilter)
# Of what a person did so much is read, the newest.
MOST_WANTED, MOST_UNWANTED = 30, 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedFilter:
    """A version in memory: its scorers by head, and how rare words are."""

    scorers: Mapping[str, MatchScorer]
    rarity: Rarity


@dataclass(frozen=True, slots=True, kw_only=True)
class Filtering:
    """What the live filter does on a surface: its mode, and from which chance on it drops."""

    version: ModelVersion
    mode: str
    head: str
    threshold: float
    served: ServedFilter

    @property
    def scorer(self) -> MatchScorer:
        """Of the surface's head."""
        return self.served.scorers[self.head]

    def relevance(self, asked: Asked, items: ReadItems) -> dict[int, float]:
        """The chance of each item to be a bad match of what was asked."""
        read = relevance_features.relevance_features(
            asked, items.texts, items.vectors, self.served.rarity
        )
        return self._told(read, items)

    def fit(self, taste: Taste, items: ReadItems) -> dict[int, float]:
        """The chance of each item to be a bad match for this taste."""
        return self._told(fit_features.fit_features(taste, items.texts, items.vectors), items)

    def _told(self, read: relevance_features.Floats, items: ReadItems) -> dict[int, float]:
        return dict(zip(items.ids, self.scorer.chances(read).tolist(), strict=True))

    def logged(self, scores: Mapping[int, float]) -> list[dict[str, object]]:
        """What is, or would be, left out, as the log of answers keeps it: the worst first."""
        worst = sorted(scores, key=lambda item_id: (-scores[item_id], item_id))
        return [
            {
                "item": key,
                "score": round(scores[key], 5),
                "mode": self.mode,
                "by": self.version.name,
            }
            for key in worst
        ]


def filtering(surface: str, version: ModelVersion | None) -> Filtering | None:
    """What a version does on a surface; None where it is off, or cannot be used.

    Args:
        surface: one of SURFACES.
        version: the live one.
    """
    if version is None or (mode := mode_of(surface)) == OFF:
        return None
    point = match_guard.serving_points(version).get(SURFACES[surface])
    # A limit that was lowered since counts at once.
    if point is None or not match_guard.is_within(point):
        return None
    try:
        served = load_filter(version)
    except UnusableVersion:
        return None
    return Filtering(
        version=version, mode=mode, head=SURFACES[surface], threshold=float(point["threshold"]),
        served=served,
    )  # fmt: skip


def mode_of(surface: str) -> str:
    """off, shadow or on."""
    return str(setting(surface).match_filter)


def set_mode(*, surface: str, mode: str, by: str) -> None:
    """Switch a surface, and keep who did it.

    Raises:
        InvalidInput: for what is no surface or no mode.
    """
    if surface not in SURFACES:
        raise InvalidInput(f"'surface' is one of: {', '.join(SURFACES)}.", field="surface")
    if mode not in Surface.MatchFilter.values:
        raise InvalidInput("'mode' is off, shadow or on.", field="mode")
    values = {"match_filter": mode, "match_filter_by": by[:150]}
    Surface.objects.update_or_create(key=surface, defaults=values)


def set_threshold(*, version: ModelVersion, head: str, threshold: float, by: str, at: str) -> None:
    """Move a threshold to another point of the version's sweep, and keep who did it.

    Raises:
        InvalidInput: where it is no point of the sweep, or costs more good matches than the limit.
    """
    sweep = version.metrics.get("heads", {}).get(head, {}).get("sweep", [])
    point = next((one for one in sweep if one["threshold"] == threshold), None)
    if point is None:
        raise InvalidInput("That threshold is no point of the sweep.", field="threshold")
    if not match_guard.is_within(point):
        raise InvalidInput(
            f"Refused: up to {point['lost_high']:.1%} of the good matches would be lost, and "
            f"{match_guard.limit():.1%} is the most.",
            field="threshold",
        )
    chosen = dict(version.metrics.get("chosen", {}))
    chosen[head] = {"point": point, "by": by, "at": at}
    registry.add_metrics(version=version, metrics={"chosen": chosen})
    registry.forget_live()


def taste_of(history: History) -> tuple[Taste, ReadItems]:
    """What a history says of a taste, in one statement."""
    weights, unwanted = _telling(history)
    read = read_items([*weights, *unwanted])
    return taste_among(history, read), read


def taste_among(history: History, read: ReadItems) -> Taste:
    """What a history says of a taste, as far as its items were read."""
    weights, unwanted = _telling(history)
    wanted = read.take(list(weights))
    return Taste(
        wanted=wanted.texts,
        wanted_vectors=wanted.vectors,
        weights=[weights[item_id] for item_id in wanted.ids],
        unwanted_vectors=read.take(unwanted).vectors,
    )


def _telling(history: History) -> tuple[dict[int, float], list[int]]:
    """The items wanted, with how much each counts, and those unwanted."""
    weights = {one.item_id: one.weight for one in history.taste[:MOST_WANTED]}
    return weights, sorted(history.unwanted - weights.keys(), reverse=True)[:MOST_UNWANTED]


@dataclass(slots=True)
class FitFilter:
    """What does not fit one viewer, for the lists of one page; made by `fit_filter`."""

    filtering: Filtering
    history: History
    dropped: dict[int, float] = field(default_factory=dict)
    _taste: Taste | None = None
    _scores: dict[int, float] = field(default_factory=dict)

    def without(self, candidates: Sequence[Candidate], k: int) -> set[int]:
        """Items that are left out of a list of k: never so many that the list would be shorter.

        In the mode "shadow" none is, and `dropped` says which would have been.
        """
        ids = list(dict.fromkeys(one.item_id for one in candidates))
        scores = self._scored(ids)
        bad = [item_id for item_id in ids if scores.get(item_id, 0.0) >= self.filtering.threshold]
        bad.sort(key=lambda item_id: (-scores[item_id], item_id))
        most = max(0, len(ids) - k)
        self.dropped = {item_id: scores[item_id] for item_id in bad[:most]}
        return set(self.dropped) if self.filtering.mode == ON else set()

    def logged(self) -> list[dict[str, object]]:
        """Of the last list."""
        return self.filtering.logged(self.dropped)

    def _scored(self, ids: Sequence[int]) -> dict[int, float]:
        missing = [item_id for item_id in ids if item_id not in self._scores]
        if missing:
            if self._taste is None:
                self._taste, _ = taste_of(self.history)
            self._scores |= self.filtering.fit(self._taste, read_items(missing))
        return self._scores


def fit_filter(surface: str, history: History, version: ModelVersion | None) -> FitFilter | None:
    """The filter of a viewer's lists; None for who did nothing yet, or where none is live."""
    if not history.taste:
        return None
    found = filtering(surface, version)
    return FitFilter(found, history) if found is not None else None


def load_filter(version: ModelVersion) -> ServedFilter:
    """A version, read from its folder at the first call in a process.

    Raises:
        UnusableVersion: for a folder that is missing, changed, or of another release.
    """
    return _filters.get(version)


def forget_filters() -> None:
    """Load them anew at the next call."""
    _filters.forget()


def _read(version: ModelVersion) -> ServedFilter:
    artifact = registry.load(version)
    try:
        heads: Mapping[str, Any] = artifact.config["heads"]
        for head, told in heads.items():
            if tuple(told["features"]) != FEATURES[head]:
                raise ValueError("It reads other features than this release makes.")
        rarity = artifact.config["rarity"]
        return ServedFilter(
            scorers={h: scorer_of(FEATURES[h], artifact.tensors, h) for h in heads},
            rarity=Rarity(items=int(rarity["items"]), held_by=dict(rarity["held_by"])),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UnusableVersion(f"{version} cannot be used: {error}") from error


_filters = Loaded(_read)
