"""Synonyms that the log and the encoder speak for: proposed to editors, never applied unseen.

Queries after which the same items are chosen say the same in other words; a query that found
nothing may be another word for a category that the catalog has. Only what several people typed is
looked at, so that nothing of one person comes before others.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

import numpy as np
import numpy.typing as npt
from django.conf import settings
from django.utils import timezone
from scipy import sparse

from catalog.errors import InvalidInput
from catalog.models import Item
from catalog.progress import NO_PROGRESS, Progress
from recs import embeddings
from recs.errors import NoLiveVersion
from recs.searches import ChosenSearch, chosen_searches
from search.models import Anchor, Query, Synonym
from search.reports import asked_queries
from search.synonym_sets import SynonymSet
from search.synonym_store import Proposal, propose
from search.text import normalize_query

Floats = npt.NDArray[np.float32]

# Newest searches that led to an item which are read.
MOST_SEARCHES = 500_000
# Queries share so much of what is chosen after them, and so many items.
LEAST_COSINE = 0.5
LEAST_SHARED = 2
# A query that found nothing is so near to a name in meaning.
LEAST_SIMILARITY = 0.6
DAYS = 90
MOST_UNANSWERED = 200
MOST_NAMES = 2_000
MOST_PROPOSALS = 200
# Kinds of names that other words may stand for; a person's name has no synonym.
NAMED = ("category:", "country:")


def propose_synonyms(*, progress: Progress = NO_PROGRESS) -> int:
    """Look for synonyms in the log and store what is new as proposals; how many are."""
    progress.set_total(2)
    searches = chosen_searches(as_of=timezone.now(), most=MOST_SEARCHES)
    found = list(islice(from_clicks(searches), MOST_PROPOSALS))
    progress.advance(1)
    found += islice(from_meaning(), MOST_PROPOSALS)
    progress.advance(1)
    banned = list(
        Query.objects.filter(review=Query.Review.BANNED).values_list("normalized", flat=True)
    )
    return propose(each for each in found if _is_allowed(each, banned))


def from_clicks(searches: Iterable[ChosenSearch]) -> Iterator[Proposal]:
    """Pairs of queries after which the same items are chosen, the most alike first.

    A pair of which one holds all words of the other is left out: that is a narrower query, not
    another word for it.
    """
    people: dict[str, set[str]] = defaultdict(set)
    chosen: Counter[tuple[str, int]] = Counter()
    for one in set(map(_choice, searches)):
        people[one[0]].add(one[1])
        chosen[one[0], one[2]] += 1
    asked = sorted(
        q for q, who in people.items() if len(who) >= settings.SEARCH_MIN_PEOPLE_PER_QUERY
    )
    items = {item: place for place, item in enumerate(sorted({item for _, item in chosen}))}
    names = sorted(items)
    rows = {query: row for row, query in enumerate(asked)}
    entries = [(rows[q], items[i], n) for (q, i), n in chosen.items() if q in rows]
    if not entries:
        return
    at, column, count = (np.array(each) for each in zip(*entries, strict=True))
    table = sparse.csr_matrix((np.log1p(count), (at, column)), shape=(len(rows), len(items)))
    lengths = np.sqrt(np.asarray(table.multiply(table).sum(axis=1)).reshape(-1))
    cosines = sparse.triu(table @ table.T, k=1).tocoo()
    held = (table > 0).astype(np.int64)
    shared = (held @ held.T).tocsr()
    values = cosines.data / (lengths[cosines.row] * lengths[cosines.col])
    for place in np.argsort(-values, kind="stable").tolist():
        left, right = int(cosines.row[place]), int(cosines.col[place])
        if values[place] < LEAST_COSINE:
            return
        if shared[left, right] < LEAST_SHARED or _is_narrower(asked[left], asked[right]):
            continue
        both = np.intersect1d(table[left].indices, table[right].indices)
        yield from _proposal(
            (asked[left], asked[right]),
            (),
            Synonym.Source.CLICKS,
            {
                "similarity": round(float(values[place]), 3),
                "people": [len(people[asked[left]]), len(people[asked[right]])],
                "shared": _titles([names[column] for column in both[:5].tolist()]),
            },
        )


def from_meaning() -> Iterator[Proposal]:
    """Queries that found nothing, each with the name of the catalog that is nearest in meaning."""
    unanswered = [
        row
        for row in asked_queries(days=DAYS, limit=MOST_UNANSWERED, found="nothing")
        if row.people >= settings.SEARCH_MIN_PEOPLE_PER_QUERY
    ]
    names = _names()
    if not unanswered or not names:
        return
    try:
        vectors = _vectors(names)
    except NoLiveVersion:
        return
    similarity = _vectors([row.normalized for row in unanswered]) @ vectors.T
    for row, near in zip(unanswered, similarity, strict=True):
        best = int(near.argmax())
        if near[best] >= LEAST_SIMILARITY and not _is_narrower(row.normalized, names[best]):
            evidence = {"similarity": round(float(near[best]), 3), "people": [row.people]}
            yield from _proposal(
                (row.normalized,), (names[best],), Synonym.Source.MEANING, evidence
            )


def _choice(one: ChosenSearch) -> tuple[str, str, int]:
    """The query, who asked, what was chosen: once each."""
    who = f"p{one.person_id}" if one.person_id else f"a{one.anonymous_id}"
    return one.query, who, one.item_id


def _names() -> list[str]:
    """Categories and countries in normal form, those of most items first."""
    anchors = Anchor.objects.order_by("-items", "value").values_list("value", flat=True)
    named = [value for value in anchors.iterator() if value.startswith(NAMED)]
    texts = (normalize_query(value.partition(":")[2].rpartition("/")[2]) for value in named)
    return list(dict.fromkeys(text for text in texts if text))[:MOST_NAMES]


def _vectors(texts: Sequence[str]) -> Floats:
    """(n, T) float32 unit vectors."""
    return np.stack([embeddings.query_vector(text) for text in texts])


def _is_narrower(left: str, right: str) -> bool:
    first, second = set(left.split()), set(right.split())
    return first <= second or second <= first


def _titles(ids: Sequence[int]) -> list[str]:
    titles: Mapping[int, str] = dict(Item.objects.filter(pk__in=ids).values_list("pk", "title"))
    return [titles[pk] for pk in ids if pk in titles]


def _proposal(
    words: tuple[str, ...], finds: tuple[str, ...], source: str, evidence: dict[str, object]
) -> Iterator[Proposal]:
    """The proposal, unless it cannot be a set of synonyms."""
    try:
        stated = SynonymSet.read(words, finds)
    except InvalidInput:
        return
    yield Proposal(stated=stated, source=source, evidence=evidence)


def _is_allowed(proposal: Proposal, banned: Sequence[str]) -> bool:
    said = [f" {phrase} " for phrase in (*proposal.stated.words, *proposal.stated.finds)]
    return not any(f" {each} " in phrase for each in banned for phrase in said)
