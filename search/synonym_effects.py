"""What a set of synonyms would change: past queries, with it and without."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from catalog.models import Item
from search.lexical import MAX_MATCHES, match_all_terms
from search.reports import asked_queries
from search.synonym_sets import SynonymSet
from search.synonyms import table_of
from search.tsquery import FILLERS, Phrase, SynonymTable, parse
from search.understanding import understand

DAYS = 90
MOST_QUERIES = 10
# Looked through for those that hold one of the phrases, the most asked first.
MOST_ASKED = 2_000
NEW_TITLES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One query. `people`: who asked it of late, 0 where nobody did and the phrase is tried alone.

    `before`, `after`: items that hold all of its words, at most 1,000; `new`: titles of the first
    that come to it.
    """

    query: str
    people: int
    before: int
    after: int
    new: tuple[str, ...]

    @property
    def is_more(self) -> bool:
        """Whether `after` is a lower bound."""
        return self.after >= MAX_MATCHES


def effects(stated: SynonymSet, approved: SynonymTable) -> list[Effect]:
    """What the set changes for the most asked past queries that hold one of its phrases.

    Where nobody asked such a query, its phrases themselves.

    Args:
        stated: the set.
        approved: what counts beside it, without itself.
    """
    typed = [tuple(phrase.split()) for phrase, _ in stated.pairs]
    with_it = _joined(approved, table_of([stated]))
    asked = [
        (row.text, row.people)
        for row in asked_queries(days=DAYS, limit=MOST_ASKED)
        if any(_holds(row.normalized.split(), phrase) for phrase in typed)
    ][:MOST_QUERIES]
    alone = [(" ".join(phrase), 0) for phrase in dict.fromkeys(typed)][:MOST_QUERIES]
    return [_effect(text, people, approved, with_it) for text, people in asked or alone]


def _effect(text: str, people: int, without: SynonymTable, with_it: SynonymTable) -> Effect:
    before, after = (_found(text, table) for table in (without, with_it))
    known = set(before)
    new = [item for item in after if item not in known][:NEW_TITLES]
    titles = dict(Item.objects.filter(pk__in=new).values_list("pk", "title"))
    return Effect(
        query=text,
        people=people,
        before=min(len(before), MAX_MATCHES),
        after=min(len(after), MAX_MATCHES),
        new=tuple(titles[item] for item in new if item in titles),
    )


def _found(text: str, table: SynonymTable) -> list[int]:
    """What a search would match: inside what the query says of facets, else by its words."""
    read = understand(text, synonyms=table)
    words = parse(read.rest, fillers=FILLERS, synonyms=table)
    matches = match_all_terms(words, within=read.filters) if read.spans else []
    matches = matches or match_all_terms(parse(text, fillers=FILLERS, synonyms=table))
    return [match.item_id for match in matches]


def _joined(left: SynonymTable, right: Mapping[Phrase, tuple[Phrase, ...]]) -> SynonymTable:
    return {
        phrase: tuple(dict.fromkeys([*left.get(phrase, ()), *right.get(phrase, ())]))
        for phrase in {**left, **right}
    }


def _holds(words: Sequence[str], phrase: Phrase) -> bool:
    """Whether the phrase stands in the words, whole."""
    size = len(phrase)
    return any(tuple(words[at : at + size]) == phrase for at in range(len(words) - size + 1))
