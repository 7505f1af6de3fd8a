"""Search analytics in the admin: numbers, charts, and from each query one step to mend it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, URLPattern, path, reverse

from catalog.errors import InvalidInput
from search.analytics.anew import Reformulation
from search.analytics.cells import TABLES, csv_lines
from search.analytics.charts import facts, overview_charts, position_chart
from search.analytics.queries import QueryNumbers
from search.analytics.report import Report, report
from search.analytics.scope import CHOICES, DAYS, DEFAULT_DAYS, Scope
from search.analytics.statements import MOST_LISTS
from search.exploration.charts import charts as exploration_charts
from search.exploration.charts import facts as exploration_facts
from search.exploration.report import exploration
from search.models import Query

LIMIT = 20
PARAMETERS = ("days", "from", "to", *CHOICES)
# Words, name of the address, its parameters ({text} as typed, {normal} as counted), permission.
STEPS = (
    ("Synonym", "admin:search_synonym_add", {"words": "{text}"}, "search.add_synonym"),
    ("Rule", "admin:search_rule_add", {"patterns": "{text}"}, "search.add_rule"),
    ("Query", "admin:search_query_changelist", {"q": "{normal}"}, "search.view_query"),
    ("Label", "admin:catalog_label_add", {"kind": "relevance", "query": "{text}"},
     "catalog.add_label"),
    ("Try it", "pages:search", {"q": "{text}"}, ""),
    ("Replay", "admin:search_replay", {"surface": "search", "query": "{text}"},
     "catalog.view_answer"),
    ("Log", "admin:catalog_answer_changelist", {"q": "{normal}"}, "catalog.view_answer"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """A link from a query to where it is mended."""

    words: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryTable:
    """Queries of one kind, each with its steps."""

    key: str
    title: str
    note: str
    empty: str
    rows: list[tuple[QueryNumbers, datetime, list[Step]]]


def urls() -> list[URLPattern]:
    """The page, and a file of each table."""
    return [
        path("analytics/", admin.site.admin_view(page), name="search_analytics"),
        path(
            "analytics/<slug:table>.csv",
            admin.site.admin_view(download),
            name="search_analytics_csv",
        ),
    ]


def page(request: HttpRequest) -> HttpResponse:
    """How search goes; it shows what single people typed, so who may see answers may."""
    given = _given(request)
    try:
        scope, problem = Scope.read(given), ""
    except InvalidInput as error:
        scope, problem, given = Scope.read({}), error.detail, {}
    found = report(scope, limit=LIMIT)
    overview = found.overview
    explored = exploration(scope)
    context = {
        **admin.site.each_context(request),
        "title": "Search analytics",
        "opts": Query._meta,
        "problem": problem,
        "given": given,
        "address": urlencode(given),
        "periods": [str(days) for days in DAYS],
        "default_days": "" if given.get("from") else given.get("days", str(DEFAULT_DAYS)),
        "choices": _choices(given),
        "found": found,
        "facts": facts(overview),
        "charts": overview_charts(overview),
        "partial": [day.isoformat() for day in scope.period.dates if not scope.period.holds(day)],
        "tables": _tables(request, found),
        "pairs": [(one, _pair_steps(request, one)) for one in found.reformulations],
        "position_chart": position_chart(found.positions),
        "exploration": explored,
        "exploration_facts": exploration_facts(explored.totals),
        "exploration_charts": exploration_charts(explored),
        "most_lists": MOST_LISTS,
        "limit": LIMIT,
    }
    return TemplateResponse(request, "admin/analytics.html", context)


def download(request: HttpRequest, table: str) -> StreamingHttpResponse:
    """One table as CSV, with up to 10,000 rows."""
    given = _given(request)
    if table not in TABLES:
        raise Http404
    try:
        scope = Scope.read(given)
    except InvalidInput as error:
        raise Http404(error.detail) from error
    head, read = TABLES[table]
    response = StreamingHttpResponse(
        csv_lines(head, read(scope)), content_type="text/csv; charset=utf-8"
    )
    name = f"{table}-{scope.period.start:%Y%m%d}-{scope.period.end:%Y%m%d}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def steps(request: HttpRequest, text: str, normal: str, **more: Mapping[str, str]) -> list[Step]:
    """Where a query can be mended by this editor; what is not installed is left out.

    Args:
        request: whose permissions count.
        text: as typed.
        normal: as counted.
        more: parameters that a step takes besides, by its words.
    """
    found = []
    for words, name, params, permission in STEPS:
        if permission and not request.user.has_perm(permission):
            continue
        try:
            address = reverse(name)
        except NoReverseMatch:
            continue
        filled = {key: value.format(text=text, normal=normal) for key, value in params.items()}
        asked = urlencode({**filled, **more.get(words, {})})
        found.append(Step(words, f"{address}?{asked}"))
    return found


def _given(request: HttpRequest) -> dict[str, str]:
    """Parameters that say something; dates win over a number of days."""
    if not request.user.has_perm("catalog.view_answer"):
        raise PermissionDenied
    given = {name: request.GET.get(name, "").strip()[:40] for name in PARAMETERS}
    if given["from"] or given["to"]:
        given["days"] = ""
    return {name: value for name, value in given.items() if value}


def _choices(given: Mapping[str, str]) -> list[dict[str, Any]]:
    """The selects: name, label and options with the chosen one marked."""
    labels = {"who": "Who", "surface": "Where", "ranked": "Ranked"}
    return [
        {
            "name": name,
            "label": labels[name],
            "options": [
                {"value": value, "label": label, "chosen": value == given.get(name, "")}
                for value, (label, _) in options.items()
            ],
        }
        for name, options in CHOICES.items()
    ]


def _tables(request: HttpRequest, found: Report) -> list[QueryTable]:
    told: Iterable[tuple[str, str, str, str]] = (
        ("no_results", "Found nothing", "Searches without a hit, by how many people asked.",
         "Every search found something."),
        ("no_clicks", "Never clicked", "They found something; none of several people looked at it.",
         "Each query of several people led to a click."),
        ("top", "Asked most", "Finished queries only: letters on the way to them are not counted.",
         "Nobody has searched in these days."),
    )  # fmt: skip
    return [
        QueryTable(
            key=key, title=title, note=note, empty=empty,
            rows=[
                (row, datetime.fromisoformat(row.last_seen),
                 steps(request, row.text, row.normalized))
                for row in getattr(found, key)
            ],
        )
        for key, title, note, empty in told
    ]  # fmt: skip


def _pair_steps(request: HttpRequest, pair: Reformulation) -> list[Step]:
    """A synonym that lets the first words find what the second find, and the rest as usual."""
    one_way = {"words": pair.text, "finds": pair.then_text}
    return steps(request, pair.text, pair.normalized, Synonym=one_way)
