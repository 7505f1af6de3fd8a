"""Near-duplicates folded: of queries that say the same the better one is shown.

The others point to it.

Two say the same where they have the same words, whatever their order and number ("comedies
french", "French comedy"); or where their vectors are nearer than NEAR and their answers overlap.
Figures never differ, and nothing is added: the 1960s are not the 1970s, "1960s American western"
says more than "1960s western". Only what people typed (or a model wrote) is folded: titles and
names each lead to a thing of their own ("Alien", "Aliens"), and two expansions differ in what they
speak of. The better one has more people, then more popularity.

Nothing is deleted, and what an editor approved is not folded. A query with the words of one that
an editor rejected or banned points to that, so that it does not come back in another order.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from django.db import connection, transaction

from catalog.progress import NO_PROGRESS, Progress
from recs.embeddings import query_vector
from recs.errors import NoLiveVersion, UnusableVersion
from recs.versions import live_version
from search.models import Query
from search.places_to_start import forget_places
from search.query_words import words_of
from search.tsquery import FILLERS

# Cosine of the packaged encoder's vectors. Rewordings of films' queries lie above it ("movies about
# space", "films about space": 0.927; "war films", "movies about war": 0.935), the nearest of those
# that differ below ("Danish drama", "Norwegian drama": 0.878); of 1,500 pairs of expansions with
# shared answers, which differ by construction, 2 are above: docs/query-safety.md.
NEAR = 0.92
# Of the witnesses of the one that has fewer: half are the other's too.
SHARED_ANSWERS = 0.5
# Vectors are made of at most so many queries a run, the most typed first.
MOST_VECTORS = 5_000
ONLY_ONE_THING = frozenset((Query.Source.TITLES, Query.Source.NAMES))
CONSTRUCTED = ONLY_ONE_THING | {Query.Source.EXPANSIONS}
# All that may be left out: "without" and "like" change what is asked.
_ARTICLES = frozenset(("a", "an", "the"))
_TURNING = frozenset(("without", "not", "no", "except"))
# Words that add nothing to what another query says.
_SMALL = FILLERS - {"without", "like"}
_REFUSED = frozenset((Query.Review.REJECTED, Query.Review.BANNED))
WRITE = """
    WITH wanted AS (
        SELECT * FROM unnest(%(ids)s::bigint[], %(into)s::bigint[]) AS t(id, folded_into)
    )
    UPDATE search_query q SET folded_into_id = wanted.folded_into,
        held_back = CASE WHEN wanted.id IS NULL THEN '' ELSE 'folded' END
    FROM search_query r LEFT JOIN wanted ON wanted.id = r.id
    WHERE q.id = r.id AND (wanted.id IS NOT NULL OR q.held_back = 'folded')
        AND (q.folded_into_id, q.held_back) IS DISTINCT FROM
            (wanted.folded_into, CASE WHEN wanted.id IS NULL THEN '' ELSE 'folded' END)"""

Vector = npt.NDArray[np.float32]
# Unit vectors (D,) by text, for those of the texts that have one.
VectorsOf = Callable[[Sequence[str]], dict[str, Vector]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What of a stored query tells whether it says the same as another."""

    id: int
    normalized: str
    source: str
    rule: str
    review: str
    is_decided: bool
    witnesses: frozenset[int]
    people: int
    popularity: float

    @property
    def rank(self) -> tuple[bool, int, float, int]:
        """The higher one keeps; what an editor decided on before anything else."""
        return (self.is_decided, self.people, self.popularity, -self.id)

    @property
    def may_be_folded(self) -> bool:
        """What people typed or a model wrote, and nobody decided on."""
        return self.source not in CONSTRUCTED and not self.is_decided

    @property
    def words(self) -> tuple[str, ...]:
        """Its words in the singular, in one order, without articles."""
        words = words_of(self.normalized)
        return tuple(sorted(word for word in words if word not in _ARTICLES)) or words

    @property
    def telling(self) -> tuple[str, ...]:
        """Its words that must be the same in both: figures, and what turns the meaning."""
        return tuple(
            word for word in self.words if word in _TURNING or any(char.isdigit() for char in word)
        )


def fold_queries(*, progress: Progress = NO_PROGRESS) -> int:
    """Fold what says the same now, and unfold what does not any more; how many are folded."""
    stored = _read()
    into = find_folds(stored, vectors=_vectors)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(WRITE, {"ids": list(into), "into": list(into.values())})
    transaction.on_commit(forget_places)
    progress.advance(message=f"{len(into):,} folded")
    return len(into)


def find_folds(stored: Sequence[Stored], *, vectors: VectorsOf | None = None) -> dict[int, int]:
    """Which queries are folded, and into which: ids; never into one that is folded itself."""
    into: dict[int, int] = {}
    alike: dict[tuple[str, ...], list[Stored]] = defaultdict(list)
    for each in stored:
        alike[each.words].append(each)
    for group in alike.values():
        _fold_group(group, into)
    if vectors is not None:
        _fold_near([each for each in stored if each.id not in into], vectors, into)
    return {one: _end(other, into) for one, other in into.items()}


def _fold_group(group: Sequence[Stored], into: dict[int, int]) -> None:
    foldable = [each for each in group if each.may_be_folded]
    if not foldable or len(group) < 2:
        return
    for each in foldable:
        keepers = [
            other
            for other in group
            if other.id != each.id and other.id not in into and _keeps(other, each)
        ]
        if keepers:
            into[each.id] = max(keepers, key=_refused_first).id


def _refused_first(stored: Stored) -> tuple[bool, tuple[bool, int, float, int]]:
    return stored.review in _REFUSED, stored.rank


def _keeps(other: Stored, each: Stored) -> bool:
    """Whether the other one, which has the same words, stays in the place of this one."""
    if other.review in _REFUSED:
        return True
    if not _is_as_far(other, each):
        return False
    if other.source in ONLY_ONE_THING:
        # "kubrick stanley" is the name, "aliens" is not the title "Alien".
        return sorted(other.normalized.split()) == sorted(each.normalized.split())
    # What the catalog says can be explained, and both find the same.
    return not other.may_be_folded or other.rank > each.rank


def _fold_near(stored: Sequence[Stored], vectors: VectorsOf, into: dict[int, int]) -> None:
    shown = [each for each in stored if each.review not in _REFUSED]
    pairs = list(_sharing_answers(shown))
    typed = sorted(
        {one.id: one for pair in pairs for one in pair}.values(), key=_rank, reverse=True
    )
    known = vectors([each.normalized for each in typed[:MOST_VECTORS]])
    # The best first, so that what is folded into it is not asked to keep another.
    for better, other in sorted(pairs, key=lambda pair: _rank(pair[0]), reverse=True):
        if better.id in into or other.id in into:
            continue
        a, b = known.get(better.normalized), known.get(other.normalized)
        if a is not None and b is not None and float(a @ b) >= NEAR:
            into[other.id] = better.id


def _sharing_answers(stored: Sequence[Stored]) -> Iterable[tuple[Stored, Stored]]:
    """(the better one, one that may be folded into it) whose answers overlap, each pair once."""
    holders: dict[int, list[Stored]] = defaultdict(list)
    for each in stored:
        if each.source not in ONLY_ONE_THING and each.rule != "like":
            for item in each.witnesses:
                holders[item].append(each)
    for one in stored:
        if not one.may_be_folded:
            continue
        beside = {other.id: other for item in one.witnesses for other in holders[item]}
        for other in beside.values():
            is_better = not other.may_be_folded or other.rank > one.rank
            is_one = other.id != one.id and is_better and _is_as_far(other, one)
            if is_one and _is_close(other, one):
                yield other, one


def _is_as_far(other: Stored, each: Stored) -> bool:
    """Not a proposal in the place of what is shown."""
    return other.review in (Query.Review.APPROVED, each.review)


def _is_close(a: Stored, b: Stored) -> bool:
    """Answers overlap, figures are the same, and neither says all that the other says and more."""
    one, other = set(a.words) - _SMALL, set(b.words) - _SMALL
    if one < other or other < one:
        return False
    shared = len(a.witnesses & b.witnesses)
    fewer = min(len(a.witnesses), len(b.witnesses))
    return shared >= SHARED_ANSWERS * fewer and a.telling == b.telling


def _rank(stored: Stored) -> tuple[bool, int, float, int]:
    return stored.rank


def _end(folded: int, into: dict[int, int]) -> int:
    passed = [folded]
    while passed[-1] in into:
        passed.append(into[passed[-1]])
    return passed[-1]


def _vectors(texts: Sequence[str]) -> dict[str, Vector]:
    try:
        version = live_version()
        return {text: query_vector(text, version=version) for text in texts}
    except (NoLiveVersion, UnusableVersion):
        return {}


def _read() -> list[Stored]:
    rows = Query.objects.filter(answers__gt=0) | Query.objects.filter(review__in=_REFUSED)
    failed = (Query.HeldBack.NOTHING, Query.HeldBack.SOURCE)
    return [
        Stored(
            id=row["id"],
            normalized=row["normalized"],
            source=row["source"],
            rule=row["provenance__rule"] or "",
            review=row["review"],
            is_decided=row["reviewed_at"] is not None,
            witnesses=frozenset(row["witnesses"]),
            people=row["people"],
            popularity=row["popularity"],
        )
        for row in rows.exclude(held_back__in=failed).values(
            "id", "normalized", "source", "provenance__rule", "review", "reviewed_at",
            "witnesses", "people", "popularity",
        ).iterator()
    ]  # fmt: skip
