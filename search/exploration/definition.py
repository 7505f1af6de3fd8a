"""What counts as an exploratory search: a function of the query and of the person, nothing else.

Who recommended the query, what ranked it and where it stood are not asked, so that no change of the
recommendations can change what is counted. docs/exploration.md says the same with its edge cases.
"""

from dataclasses import dataclass

# Fewer answers than this are one need with its namesakes, not a choice.
BROAD = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryFacts:
    """What is known of a query, without knowing who asked it or how it came about.

    answers: how many items it finds. names_one: it is the title of an item or the name of a
    creator. leads_to: the categories and creators that at least half of its first ten hits have.
    """

    answers: int
    names_one: bool
    leads_to: frozenset[str] = frozenset()


def is_exploratory(query: QueryFacts, had: frozenset[str]) -> bool:
    """Whether a search is exploratory.

    It is where the query is not the name of one thing, and either has a choice of answers (at least
    BROAD) or leads to a category or a creator that the person has not had before. Of a person
    without any history nothing is new, because nothing is old. What finds nothing leads nowhere.

    Args:
        query: the query's facts.
        had: categories and creators of whatever the person attended to before this search.
    """
    if query.names_one or query.answers == 0:
        return False
    return query.answers >= BROAD or bool(had and query.leads_to - had)
