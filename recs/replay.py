"""A request stage by stage: what was filled in, what the index gave and the ranker made of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from catalog.models import Item
from recs.history import TasteItem
from recs.ml.unified.features import GROUPS
from recs.ml.unified.quality import NAMES as QUALITIES
from recs.models import ModelVersion
from recs.surfaces import Mixing
from recs.unified import SOURCE, Ranking, UnifiedAsk, ranking_of, sentence
from recs.unified_index import weights_of

SHOWN = 20
# What counts for all candidates alike is no reason for one of them.
TOLD_GROUPS = tuple(group for group in GROUPS if group != "context")


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieved:
    """One of the index's first: its product, of which so much is fit and so much quality."""

    place: int
    title: str
    product: float
    fit: float
    quality: float
    ranked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """One of the ranker's first: its chance, what each group added, where the index had it."""

    place: int
    item_id: int
    title: str
    chance: float
    groups: tuple[float, ...]
    retrieved: int | None
    shown: int | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One of the list that a visitor sees: what found it, and its place by the ranker."""

    place: int
    item_id: int
    title: str
    found_by: str
    ranked: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """One version's answer to a request, a stage at a time.

    `filled`: what the request had, and what stood in for what it lacked, name by name.
    """

    version: ModelVersion
    filled: Mapping[str, str]
    retrieved: tuple[Retrieved, ...]
    candidates: int
    ranked: tuple[Ranked, ...]
    groups: tuple[str, ...]
    weights: Mapping[str, float]
    shown: tuple[Shown, ...]
    stages: Mapping[str, float]


def replay(version: ModelVersion, ask: UnifiedAsk, mix: Mixing) -> Replay:
    """What this version answers to the request now, by the code that answers requests.

    Raises:
        UnusableVersion: where the version cannot be loaded.
    """
    ranking = ranking_of(version, ask)
    shown = [(ranking.ids[place], SOURCE) for place in ranking.mixed(mix, SHOWN)]
    return replay_of(ranking, surface=ask.surface, taste=ask.history.taste, shown=shown)


def replay_of(
    ranking: Ranking, *, surface: str, taste: Sequence[TasteItem], shown: Sequence[tuple[int, str]]
) -> Replay:
    """A ranking taken apart; `shown`: the items of the list, in order, with what found each."""
    by_product = sorted(ranking.fits, key=lambda item_id: -ranking.fits[item_id])
    first, ranked_first = by_product[:SHOWN], ranking.ids[:SHOWN]
    asked = [*first, *ranked_first, *(item.item_id for item in taste), *(key for key, _ in shown)]
    titles = dict(Item.objects.filter(pk__in=asked).values_list("pk", "title"))
    places = {item_id: place for place, item_id in enumerate(ranking.ids)}
    listed = tuple(
        Shown(
            place=number, item_id=key, title=titles.get(key, ""), found_by=found_by,
            ranked=places[key] + 1 if key in places else None,
        )
        for number, (key, found_by) in enumerate(shown, start=1)
    )  # fmt: skip
    weights = map(float, weights_of(ranking.version, ranking.model))
    return Replay(
        version=ranking.version,
        filled=_filled(surface, ranking, titles),
        retrieved=tuple(
            _retrieved(number, item_id, ranking, places[item_id], titles)
            for number, item_id in enumerate(first, start=1)
        ),
        candidates=len(ranking.ids),
        ranked=_ranked(ranking, by_product, listed, taste, titles),
        groups=TOLD_GROUPS,
        weights=dict(zip(QUALITIES, weights, strict=True)),
        shown=listed,
        stages=ranking.stages,
    )


def _filled(surface: str, ranking: Ranking, titles: Mapping[int, str]) -> dict[str, str]:
    question = ranking.question
    given = [bool(flag) for flag in question.given[0]]
    source = int(question.sources[0])
    key = int(ranking.model.vocabulary.ids([source])[0]) if source else 0
    name = titles.get(key, "") or (
        Item.objects.filter(pk=key).values_list("title", flat=True).first() or ""
    )
    words = question.words[0]
    return {
        "surface": surface,
        "words": f"{words or 'none'}{'' if given[0] or not words else ' (filled in)'}",
        "source item": f"{name or 'none'}{'' if given[1] or not key else ' (filled in)'}",
        "person": f"{len(question.known.items):,} events are known" if given[2] else "a stranger",
        "searches of the person": f"{len(question.picked.items):,} that led to an item",
        "words asked before": "yes" if question.chosen.nnz else "no",
    }


def _retrieved(
    number: int, item_id: int, ranking: Ranking, place: int, titles: Mapping[int, str]
) -> Retrieved:
    fit = float(ranking.vectors[place] @ ranking.asked[: ranking.vectors.shape[1]])
    product = ranking.fits[item_id]
    return Retrieved(
        place=number,
        title=titles.get(item_id, ""),
        product=product,
        fit=fit,
        quality=product - fit,
        ranked=place + 1,
    )


def _ranked(
    ranking: Ranking,
    by_product: Sequence[int],
    listed: Sequence[Shown],
    taste: Sequence[TasteItem],
    titles: Mapping[int, str],
) -> tuple[Ranked, ...]:
    places = list(range(min(SHOWN, len(ranking.ids))))
    reasons = ranking.reasons(places, taste)
    retrieved = {item_id: place for place, item_id in enumerate(by_product, start=1)}
    shown = {one.item_id: one.place for one in listed}
    return tuple(
        Ranked(
            place=place + 1,
            item_id=ranking.ids[place],
            title=titles.get(ranking.ids[place], ""),
            chance=ranking.chance(place),
            groups=tuple(reason.explanation[name] for name in TOLD_GROUPS),
            retrieved=retrieved.get(ranking.ids[place]),
            shown=shown.get(ranking.ids[place]),
            reason=sentence(reason, titles),
        )
        for place, reason in zip(places, reasons, strict=True)
    )
