"""What the ranker reads of live candidates: the facts that are at hand, for the one function.

Nothing is asked of the database here. The numbers of what was shown are kept with the answer
(search.answer), so the ranker learns from the very numbers that were served.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from django.utils import timezone

from recs.ml.query_ranking.features import AskedQuery, QueryCandidates, breadth, read_features
from recs.unified import Ranking
from search.query_mixing import categories
from search.query_scoring import Asked, Scored
from search.query_sources.recent import RecentQuery
from search.query_words import holds
from search.types import Retrieved, SearchRequest

Floats = npt.NDArray[np.float32]
SECONDS_A_DAY = 86_400.0
# The newest things that a person wanted, as they count for their taste.
NEWEST = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFacts:
    """What a page knows when it asks for queries.

    `surface`: as in search.placement.Signals, "" where nothing is known. `total`: hits in all.
    `holds_words`: one of the hits has the words. `ranking`: of the unified model, where it put the
    hits in order.
    """

    surface: str = ""
    total: int = 0
    is_typing: bool = False
    holds_words: bool = True
    ranking: Ranking | None = None


def facts_of(request: SearchRequest, found: Retrieved) -> PageFacts:
    """What a page of these hits says of the queries that it needs."""
    return PageFacts(
        surface="search",
        total=found.total,
        is_typing=request.is_typing,
        holds_words=all(not hit.source.is_without_words for hit in found.hits[:1]),
        ranking=found.ranking,
    )


def spread(asked: Asked) -> tuple[float, int, float]:
    """How evenly the hits lie over categories, 0 to 1; how many; share of hits in the largest."""
    counts = [len(asked.facts.holders[name]) for name in categories(list(asked.facts.holders))]
    return breadth(counts), len(counts), max(counts, default=0) / max(1, asked.facts.hits)


def live_features(
    asked: Asked,
    scored: Sequence[Scored],
    *,
    page: PageFacts,
    own: Mapping[str, RecentQuery],
    is_nobody: bool,
) -> Floats:
    """(C, F) float32 of the candidates, as recs.ml.query_ranking.features names them."""
    ranking = page.ranking
    candidates = [each.candidate for each in scored]
    now = timezone.now()
    places = {item: place for place, item in enumerate(asked.top_items, start=1)}
    among = [[places[i] for i in each.witnesses if i in places] for each in candidates]
    found = [own.get(each.normalized) for each in candidates]
    normalized = " ".join(asked.words)
    return read_features(
        AskedQuery(
            words=len(asked.words),
            hits=page.total or len(asked.top_items),
            breadth=spread(asked)[0],
            is_typing=page.is_typing,
            is_nobody=is_nobody,
            vector=None if ranking is None else ranking.question.stranger[0],
            person=None if ranking is None or is_nobody else ranking.question.vectors[0],
        ),
        QueryCandidates(
            sources=[each.source for each in candidates],
            stated={
                "kept": [each.kept for each in scored],
                "added": [
                    sum(not holds(asked.words, word) for word in each.words) for each in scored
                ],
                "begins": [
                    float(bool(normalized) and each.normalized.startswith(normalized))
                    for each in candidates
                ],
                "popularity": [each.popularity for each in candidates],
                "people": [each.people for each in candidates],
                "answers": [each.answers for each in candidates],
                "length": [len(each.words) for each in scored],
                "fresh": [float(each.is_fresh) for each in candidates],
                "coverage": [each.coverage for each in scored],
                "lift": [each.lift for each in scored],
                "shared": [
                    len(held) / max(1, len(each.witnesses))
                    for held, each in zip(among, candidates, strict=True)
                ],
                "first_hit": [1.0 / min(held) if held else 0.0 for held in among],
                "stated": [each.score for each in scored],
                "onward": [each.onward for each in candidates],
                "neighbour": [each.neighbour for each in candidates],
                "own_days": [
                    -1.0 if one is None else (now - one.time).total_seconds() / SECONDS_A_DAY
                    for one in found
                ],
                "own_times": [float(one is not None) for one in found],
                "taste": _taste(scored, ranking),
            },
            vectors=None if ranking is None else _vectors(scored, ranking),
        ),
    )


def _taste(scored: Sequence[Scored], ranking: Ranking | None) -> list[float]:
    """Of what answers each best the share that the person wanted of late."""
    if ranking is None:
        return [0.0] * len(scored)
    wanted = set(ranking.question.known.items[-NEWEST:].tolist())
    if not wanted:
        return [0.0] * len(scored)
    rows = _rows(scored, ranking)
    return [sum(row in wanted for row in each) / max(1, len(each)) for each in rows]


def _vectors(scored: Sequence[Scored], ranking: Ranking) -> Floats:
    """(C, D) float32: where each query lies, by what answers it best; zeros where unknown."""
    table = ranking.model.facts.items.vectors
    vectors = np.zeros((len(scored), table.shape[1]), np.float32)
    for place, rows in enumerate(_rows(scored, ranking)):
        if rows:
            vectors[place] = table[rows].mean(axis=0)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-9), np.float32)


def _rows(scored: Sequence[Scored], ranking: Ranking) -> list[list[int]]:
    """For each candidate the rows of the model that answer it; those it lacks are left out."""
    items = [list(each.candidate.witnesses) for each in scored]
    flat = ranking.model.vocabulary.rows(str(item) for each in items for item in each).tolist()
    rows, start = [], 0
    for each in items:
        rows.append([row for row in flat[start : start + len(each)] if row])
        start += len(each)
    return rows
