"""All tables of one scope, read in few passes over the log."""

from dataclasses import dataclass

from search.analytics import anew, lists, overview, queries
from search.analytics.anew import Reformulation
from search.analytics.lists import Shown, Stage
from search.analytics.overview import Overview
from search.analytics.queries import QueryNumbers
from search.analytics.scope import Scope
from search.analytics.statements import tables


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that the page shows."""

    overview: Overview
    top: list[QueryNumbers]
    no_results: list[QueryNumbers]
    no_clicks: list[QueryNumbers]
    reformulations: list[Reformulation]
    positions: list[Shown]
    sources: list[Shown]
    stages: list[Stage]


def report(scope: Scope, *, limit: int) -> Report:
    """Each list of queries has at most `limit` rows."""
    lists_of_queries = [queries.select(kind, limit=limit) for kind in queries.KINDS]
    tables([overview.COUNTED, anew.BY_DAY, anew.select(), *lists_of_queries], scope)
    tables([lists.SHOWN, lists.STAGES], scope, is_newest=True)
    # From here on every read finds what was just kept.
    return Report(
        overview=overview.overview(scope),
        top=queries.top_queries(scope, limit=limit),
        no_results=queries.no_result_queries(scope, limit=limit),
        no_clicks=queries.no_click_queries(scope, limit=limit),
        reformulations=anew.reformulations(scope, limit=limit),
        positions=lists.by_position(scope),
        sources=lists.by_source(scope),
        stages=lists.by_stage(scope),
    )
