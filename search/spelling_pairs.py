"""Words of the log that the catalog does not have, and which of its words may have been meant.

From queries that found nothing, and from what the same people searched next. Only what several
people typed is looked at, so that nothing of one person comes before others.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from django.conf import settings
from rapidfuzz.distance import OSA

from search.analytics.anew import reformulations
from search.analytics.scope import Period, Scope
from search.lexical import match_all_terms
from search.personal_data import private_among
from search.reports import asked_queries
from search.spelling import is_correctable, is_known, likely_words
from search.tsquery import parse
from search.vocabulary import Vocabulary, vocabulary

DAYS = 90
MOST_QUERIES = 500
MOST_CHOICES = 8
MOST_THEN = 3
# What people typed next may be another thing: a word of it is a choice where it is so much alike.
LEAST_ALIKE = 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistyped:
    """A word that is none, as people typed it.

    `query`: the search of most people that it stood in; `then`: what they searched next. `letters`:
    log-odds of each choice by its letters, the likeliest first. `corrected`: what the corrector
    makes of it now, "" for nothing.
    """

    typed: str
    query: str
    people: int
    then: tuple[str, ...] = ()
    letters: Mapping[str, float] = field(default_factory=dict)
    corrected: str = ""

    @property
    def words(self) -> tuple[str, ...]:
        """The choices."""
        return tuple(self.letters)

    @property
    def evidence(self) -> str:
        """In words: what was searched, by how many, and what next."""
        told = f"\u201c{self.query}\u201d, {self.people:,} people"
        return f"{told}, then \u201c{self.then[0]}\u201d" if self.then else told


def mistyped_words() -> Iterator[Mistyped]:
    """Those of the last DAYS that have choices, of most people first."""
    words = vocabulary()
    people, then = _asked()
    seen: set[str] = set()
    for query in sorted(people, key=lambda one: (-people[one], one)):
        for typed in dict.fromkeys(query.split()):
            if typed in seen or not is_correctable(typed) or is_known(typed, words):
                continue
            seen.add(typed)
            letters = choices(typed, then[query], words)
            if letters and typed not in words.pairs:
                likely = likely_words(typed, words)
                yield Mistyped(
                    typed=typed, query=query, people=people[query], letters=letters,
                    then=tuple(then[query][:MOST_THEN]),
                    corrected=likely[0].text if likely else "",
                )  # fmt: skip


def choices(typed: str, then: Sequence[str], words: Vocabulary) -> dict[str, float]:
    """Words that may have been meant, with their log-odds by their letters, the likeliest first.

    Args:
        typed: the mistyped word, normalized.
        then: queries that people typed next.
        words: of the catalog.
    """
    meant = {one.word: one.score for one in words.index.meant(typed)}
    nearest = list(meant)[:MOST_CHOICES]
    typed_next = [
        word
        for word in dict.fromkeys(word for query in then for word in query.split())
        if word in meant and OSA.normalized_similarity(typed, word) >= LEAST_ALIKE
    ]
    kept = dict.fromkeys([*typed_next, *nearest])
    chosen = list(kept)[:MOST_CHOICES]
    return {word: meant[word] for word in sorted(chosen, key=lambda word: (-meant[word], word))}


def is_answered(query: str) -> bool:
    """Whether the query finds something as it was typed: then nothing of it is ever corrected."""
    return bool(match_all_terms(parse(query)))


def _asked() -> tuple[dict[str, int], dict[str, list[str]]]:
    """People by query that found nothing or was asked anew, and what was asked next.

    Whatever names or reaches a person, as it was typed or by the accounts here, is left out.
    """
    least = settings.SEARCH_MIN_PEOPLE_PER_QUERY
    rows = [
        row
        for row in asked_queries(days=DAYS, limit=MOST_QUERIES, found="nothing")
        if row.people >= least
    ]
    pairs = [
        pair
        for pair in reformulations(
            Scope(period=Period.last(DAYS)), limit=MOST_QUERIES, people=least
        )
        if pair.then_found
    ]
    typed = [(row.text, row.normalized) for row in rows]
    typed += [(pair.text, pair.normalized) for pair in pairs]
    typed += [(pair.then_text, pair.then_normalized) for pair in pairs]
    private = private_among(typed)
    people = {row.normalized: row.people for row in rows if row.normalized not in private}
    then: dict[str, list[str]] = defaultdict(list)
    for pair in pairs:
        if pair.normalized not in private:
            people[pair.normalized] = max(people.get(pair.normalized, 0), pair.people)
            if pair.then_normalized not in private:
                then[pair.normalized].append(pair.then_normalized)
    return people, then
