"""What a rule would change: searches that it is for, without it and with it, as if it ran now."""

from dataclasses import dataclass, replace

from search.models import Rule
from search.reports import asked_queries
from search.retrieval import retrieve
from search.rule_patterns import plain
from search.rules import ActiveRule, RuleSet, current_rules
from search.types import Retrieved, SearchRequest

DAYS = 90
MOST_QUERIES = 3
# Looked through for those that the rule is for, the most asked first.
MOST_ASKED = 2_000
HITS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """One search. `people`: who asked it of late, 0 where nobody did and it is tried all the same.

    is_followed: whether the rule is among those that the answer with it follows; another one of
    its kind may stand before it.
    """

    query: str
    people: int
    without: Retrieved
    with_it: Retrieved
    is_followed: bool


def previews(row: Rule) -> list[Preview]:
    """The most asked searches that the rule is for, else its own words, without it and with it.

    The others that are switched on count on both sides. Of the rule itself the dates are left
    aside, and whether it is on.
    """
    rule = replace(ActiveRule.of(row), starts_at=None, ends_at=None)
    others = current_rules().without(rule.id)
    return [_preview(query, people, rule, others) for query, people in _queries(rule, row.patterns)]


def _queries(rule: ActiveRule, patterns: list[str]) -> list[tuple[str, int]]:
    if rule.match == Rule.Match.BROWSE:
        return [("", 0)]
    asked = [
        (row.text, row.people)
        for row in asked_queries(days=DAYS, limit=MOST_ASKED)
        if rule.fits(row.normalized)
    ]
    alone = [(query, 0) for query in map(plain, patterns) if rule.fits(query)]
    return (asked or alone or [(plain(pattern), 0) for pattern in patterns])[:MOST_QUERIES]


def _preview(query: str, people: int, rule: ActiveRule, others: RuleSet) -> Preview:
    request = SearchRequest(query=query, per_page=HITS)
    with_it = retrieve(request, rules=others.having(rule))
    return Preview(
        query=query,
        people=people,
        without=retrieve(request, rules=others),
        with_it=with_it,
        is_followed=rule.id in {each.id for each in with_it.rules},
    )
