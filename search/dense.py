"""Dense retrieval: items nearest in meaning, cut where the nonsense begins."""

from collections.abc import Collection
from dataclasses import dataclass

from catalog.filters import ItemFilters
from recs import embeddings, index, versions
from recs.errors import NoLiveVersion
from recs.ml.unified.match_cut import LEAST_NEARNESS, LEAST_SHARE, LOOKED_AT

# Of 200 real searches on 17,472 films, cut() keeps 10 of them in the median, 63 at the ninth
# decile, and more than 150 for two. The index finds 97.7 % of the true nearest 100 at this depth
# (98.6 % at 200, for half as much time again).
NEAREST = LOOKED_AT
# Similarities below this are chance. On the film demo the best of "asdfgh qwerty" is 0.27, of
# "how to bake bread" 0.35 and of "zzzz" 0.35 (a film called "Z"); that of "sad robot" is 0.46.
LEAST_SIMILARITY = LEAST_NEARNESS
# A tail starts where similarity has fallen to this share of the best one's. The Godfathers stand
# above 0.8 of 0.75 and all else below; "space adventure" keeps some 25, "hitchcock thriller" his
# films and no others.
LEAST_SHARE_OF_BEST = LEAST_SHARE
# A title typed in full asks for that item: only what is very close stands beside it.
LEAST_SHARE_OF_BEST_BESIDE_EXACT = 0.85
# What is offered apart from the list, as related, may be a little farther away; not as far as the
# films nearest to letters that mean nothing.
LEAST_RELATED_SIMILARITY = 0.36


@dataclass(frozen=True, slots=True)
class DenseMatch:
    """One item and the cosine similarity of its vector to the query's."""

    item_id: int
    similarity: float


def nearest(text: str, *, within: ItemFilters | None = None) -> list[DenseMatch]:
    """The visible items nearest in meaning, best first, uncut; [] before the first vectors.

    `within`: filters that are part of what is asked.
    """
    return related(text, k=NEAREST, filters=within, least=-1.0)


def related(
    text: str,
    *,
    k: int,
    filters: ItemFilters | None = None,
    exclude: Collection[int] = (),
    least: float = LEAST_RELATED_SIMILARITY,
) -> list[DenseMatch]:
    """The visible items nearest in meaning inside the filters; [] before the first vectors."""
    if not text:
        return []
    try:
        version = versions.live_version()
        found = index.nearest_items(
            vector=embeddings.query_vector(text, version=version),
            k=k,
            filters=filters or ItemFilters(),
            exclude=exclude,
            version=version,
        )
    except NoLiveVersion:
        return []
    return [DenseMatch(item_id, float(score)) for item_id, score in found if score >= least]


def cut(
    matches: list[DenseMatch], *, share_of_best: float = LEAST_SHARE_OF_BEST
) -> list[DenseMatch]:
    """The matches before the tail of nonsense: at or above the absolute and the relative floor."""
    if not matches:
        return []
    floor = max(LEAST_SIMILARITY, share_of_best * matches[0].similarity)
    return [match for match in matches if match.similarity >= floor]


def beyond(matches: list[DenseMatch]) -> list[DenseMatch]:
    """Those that cut() leaves out, for a model to look at; none where nothing is near at all."""
    kept = len(cut(matches))
    return matches[kept:] if kept else []


def cut_beside_exact(matches: list[DenseMatch], exact: Collection[int]) -> list[DenseMatch]:
    """What may stand beside a title typed in full: the closest.

    Nothing where that very item is not the nearest of all: the encoder reads the title as
    something else.
    """
    if not matches or matches[0].item_id not in exact:
        return []
    return cut(matches, share_of_best=LEAST_SHARE_OF_BEST_BESIDE_EXACT)


def take(matches: list[DenseMatch], k: int, *, exclude: Collection[int]) -> list[DenseMatch]:
    """The first `k` of matches found before that are near enough to be offered as related."""
    near = [m for m in matches if m.similarity >= LEAST_RELATED_SIMILARITY]
    return [match for match in near if match.item_id not in exclude][:k]
