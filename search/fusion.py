"""Rank fusion: one order and one score from lexical ranks, dense ranks, titles and popularity."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import log1p

from search.candidates import Candidate
from search.dense import DenseMatch
from search.lexical import BESIDE, LexicalMatch
from search.text import normalize_query, without_article
from search.tsquery import ParsedQuery
from search.types import HitSource

# Source: Cormack, Clarke, Buettcher, "Reciprocal Rank Fusion outperforms Condorcet and individual
# Rank Learning Methods", SIGIR 2009: k = 60.
K = 60
POPULARITY_WEIGHT = 0.1
# Each layer of results keeps its own band of scores, so that a score never contradicts the order.
BANDS = {"exact": (0.9, 1.0), "prefix": (0.8, 0.9), "all": (0.4, 0.8), "rest": (0.0, 0.4)}


@dataclass(frozen=True, slots=True)
class Scored:
    """One candidate with its place in the fused order; a higher score is better, at most 1."""

    candidate: Candidate
    source: HitSource
    score: float


def fuse(
    query: ParsedQuery,
    *,
    lexical: Iterable[LexicalMatch],
    dense: Iterable[DenseMatch],
    candidates: Mapping[int, Candidate],
    near_enough: int,
) -> list[Scored]:
    """The candidates, best first.

    The first `near_enough` dense matches count as near in meaning; the others only help to order
    the lexical ones.

    Layers: exact title, title that begins with the query, every term matched, the rest (most
    terms, similar title, or near in meaning alone). Within a layer

        fused = (1 / (60 + lexical rank) + 1 / (60 + dense rank)) / (2 / 61)
        score = low + (high - low) * (0.9 * fused + 0.1 * log(1 + people) / log(1 + most people))

    with the layer's band (low, high), and a missing rank adding nothing. Items with the same
    words in the same fields are equal to full text; popularity puts them in order there too.
    """
    ranks = _lexical_ranks(lexical, candidates)
    nearness = {match.item_id: rank for rank, match in enumerate(dense, start=1)}
    most = log1p(max((c.people for c in candidates.values()), default=0)) or 1.0
    asked = without_article(query.normalized)
    scored = []
    for item_id, candidate in candidates.items():
        kind, rank = ranks.get(item_id, ("", 0))
        near = nearness.get(item_id, 0)
        fused = ((1 / (K + rank) if rank else 0) + (1 / (K + near) if near else 0)) * (K + 1) / 2
        layer = _layer(asked, kind, candidate)
        low, high = BANDS[layer]
        strength = (1 - POPULARITY_WEIGHT) * fused + POPULARITY_WEIGHT * (
            log1p(candidate.people) / most
        )
        score = low + (high - low) * strength
        scored.append(
            Scored(candidate, _source(layer, kind, 0 < near <= near_enough), round(score, 6))
        )
    scored.sort(key=lambda one: (-one.score, one.candidate.item_id))
    return scored


def is_exact_title(asked: str, title: str, year: int | None) -> bool:
    """True where the title is what was typed (in normal form, no article first), year aside."""
    name = _name(title)
    return bool(name) and (name == asked or (year is not None and f"{name} {year}" == asked))


def _layer(asked: str, kind: str, candidate: Candidate) -> str:
    if is_exact_title(asked, candidate.title, candidate.year):
        return "exact"
    if kind != "all" and kind not in BESIDE:
        return "rest"
    return "prefix" if _name(candidate.title).startswith(f"{asked} ") else "all"


# A broad query compares a thousand titles, and the next one many of the same.
@lru_cache(maxsize=16384)
def _name(title: str) -> str:
    """A title in normal form without its article."""
    return without_article(normalize_query(title))


def _lexical_ranks(
    matches: Iterable[LexicalMatch], candidates: Mapping[int, Candidate]
) -> dict[int, tuple[str, int]]:
    """Kind and rank by item: all terms first, then told beside it, similar titles, most terms."""
    order = {"all": 0, "written": 1, "added": 1, "title": 2, "most": 3}
    best: dict[int, LexicalMatch] = {}
    for match in matches:
        known = best.get(match.item_id)
        if match.item_id in candidates and (known is None or order[match.kind] < order[known.kind]):
            best[match.item_id] = match
    ranked = sorted(
        best.values(),
        key=lambda m: (order[m.kind], -round(m.rank, 2), -candidates[m.item_id].people, m.item_id),
    )
    return {match.item_id: (match.kind, rank) for rank, match in enumerate(ranked, start=1)}


def _source(layer: str, kind: str, is_near: bool) -> HitSource:
    if layer == "exact":
        return HitSource.EXACT_TITLE
    others = {
        "title": HitSource.FUZZY_TITLE, "written": HitSource.WRITTEN, "added": HitSource.ADDED,
    }  # fmt: skip
    if kind in others:
        return others[kind]
    if kind:
        return HitSource.LEXICAL_AND_DENSE if is_near else HitSource.LEXICAL
    return HitSource.DENSE
