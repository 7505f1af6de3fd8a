"""The log of answers in the admin: what was asked, what was shown, how long it took."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesDropdownFilter, DropdownFilter
from unfold.decorators import display

from catalog.admin_base import ReadOnlyAdmin, links
from catalog.models import Answer, Item

# A search that is not found as a whole is looked for as a beginning, this far back.
PREFIX_DAYS = 30


class FoundFilter(DropdownFilter):
    """Searches that found nothing."""

    title = "results"
    parameter_name = "found"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Nothing or something."""
        return [("no", "no results"), ("yes", "some results")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Answer]) -> QuerySet[Answer]:
        """By the partial index of searches without results, when asked for those."""
        if self.value() == "no":
            return queryset.filter(kind=Answer.Kind.SEARCH, total=0)
        return queryset.filter(total__gt=0) if self.value() == "yes" else queryset


class DayFilter(DropdownFilter):
    """Answers of the last days."""

    title = "time"
    parameter_name = "days"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Spans that people think in."""
        return [("1", "last 24 hours"), ("7", "last 7 days"), ("30", "last 30 days")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Answer]) -> QuerySet[Answer]:
        """Answers that are not older."""
        if self.value() not in ("1", "7", "30"):
            return queryset
        return queryset.filter(time__gte=timezone.now() - timedelta(days=int(self.value())))


@admin.register(Answer)
class AnswerAdmin(ReadOnlyAdmin):
    """Every answer of search and of recommend, by its `query_id`."""

    list_display = (
        "time",
        "asked",
        "kind_name",
        "surface",
        "total",
        "who",
        "picked_from",
        "took",
    )
    list_select_related = ("person",)
    list_filter = (
        FoundFilter,
        DayFilter,
        ("kind", ChoicesDropdownFilter),
        ("is_typing", BooleanRadioFilter),
    )
    search_fields = ("normalized_query",)
    search_help_text = "A query, or its beginning (lower case, without accents)"
    ordering = ("-time",)
    actions = None
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("query", "corrected_query"),
                    ("kind", "surface", "below"),
                    ("time", "who"),
                )
            },
        ),
        ("What was shown", {"fields": ("shown_hits", "shown_dropped", "shown_queries")}),
        ("How", {"fields": (("total", "page"), "filters", "took", "shown_stages")}),
        ("By which model", {"fields": (("model_version", "fallback", "again"),)}),
        ("Who", {"fields": (("query_id", "anonymous_id", "session_id"), "picked_from")}),
    )
    readonly_fields = (
        "who", "below", "took", "again", "shown_hits", "shown_dropped", "shown_queries",
        "shown_stages",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Answer]:
        """The list leaves out what was shown: it is most of the row."""
        rows = super().get_queryset(request)
        match = request.resolver_match
        if match is not None and match.url_name == "catalog_answer_change":
            return rows.select_related("person")
        return rows.defer("hits", "dropped", "query_recommendations", "stages", "filters")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Answer], search_term: str
    ) -> tuple[QuerySet[Answer], bool]:
        """The query itself, by its index; else recent queries that begin so."""
        term = " ".join(search_term.replace("\x00", "").lower().split())
        if not term:
            return queryset, False
        same = queryset.filter(kind=Answer.Kind.SEARCH, normalized_query=term)
        if same.exists():
            return same, False
        since = timezone.now() - timedelta(days=PREFIX_DAYS)
        return queryset.filter(normalized_query__startswith=term, time__gte=since), False

    @display(description="query", ordering="normalized_query")
    def asked(self, answer: Answer) -> str:
        """What was typed, and what it was taken for."""
        if answer.corrected_query:
            return f"{answer.query} → {answer.corrected_query}"
        return answer.query

    @display(description="kind", label={"search": "info", "recommend": "primary"})
    def kind_name(self, answer: Answer) -> str:
        """Search or recommend."""
        return answer.kind

    @display(description="who")
    def who(self, answer: Answer) -> str:
        """The person, a guest's first characters, or nobody."""
        if answer.person:
            return str(answer.person)
        return f"guest {answer.anonymous_id[:8]}" if answer.anonymous_id else "nobody"

    @display(description="below")
    def below(self, answer: Answer) -> str:
        """The item on whose page the answer hung."""
        item = self._about(answer)
        if item is None:
            return "gone since" if answer.about_item else "nothing"
        return links([(item.title, reverse("admin:catalog_item_change", args=[item.pk]))])

    @staticmethod
    def _about(answer: Answer) -> Item | None:
        return Item.objects.filter(pk=answer.about_item).first() if answer.about_item else None

    @display(description="replay")
    def again(self, answer: Answer) -> SafeString:
        """The same request asked again, stage by stage."""
        surface = "search" if answer.kind == Answer.Kind.SEARCH else "home"
        if answer.surface.startswith(("item", "similar")):
            surface = "similar"
        person = answer.person.external_id if answer.person else ""
        asked = {"surface": surface, "query": answer.query, "person": person}
        if (item := self._about(answer)) is not None:
            asked["item"] = item.external_id
        return links([("Replay", f"{reverse('admin:search_replay')}?{urlencode(asked)}")])

    @display(description="took", ordering="latency_ms")
    def took(self, answer: Answer) -> str:
        """Milliseconds."""
        return f"{answer.latency_ms:.1f} ms"

    @display(description="hits")
    def shown_hits(self, answer: Answer) -> str:
        """The hits in order, with their titles."""
        hits = answer.hits if isinstance(answer.hits, list) else []
        ids = [hit.get("item") for hit in hits if isinstance(hit, dict)]
        found = Item.objects.filter(pk__in=[i for i in ids if isinstance(i, int)])
        titles = dict(found.values_list("pk", "title"))
        rows = [
            {**hit, "title": titles.get(hit.get("item"), "gone since")}
            for hit in hits
            if isinstance(hit, dict)
        ]
        return render_to_string("admin/answer_hits.html", {"hits": rows})

    @display(description="left out")
    def shown_dropped(self, answer: Answer) -> str:
        """What the match filter left out, or would have, each with its chance of a bad match."""
        rows = [each for each in answer.dropped if isinstance(each, dict)]
        found = Item.objects.filter(pk__in=[each.get("item") for each in rows])
        titles = dict(found.values_list("pk", "title"))
        told = [{**each, "title": titles.get(each.get("item"), "gone since")} for each in rows]
        return render_to_string("admin/answer_dropped.html", {"dropped": told})

    @display(description="query recommendations")
    def shown_queries(self, answer: Answer) -> str:
        """The queries above the hits, each with its source."""
        shown = answer.query_recommendations
        return render_to_string("admin/answer_queries.html", {"queries": shown})

    @display(description="stages")
    def shown_stages(self, answer: Answer) -> str:
        """Where the time went, as bars with their milliseconds."""
        stages = answer.stages if isinstance(answer.stages, dict) else {}
        spent = {k: v for k, v in stages.items() if isinstance(v, int | float)}
        most = max([*spent.values(), 0.001])
        rows = [(name, ms, round(100 * ms / most)) for name, ms in spent.items()]
        return render_to_string("admin/answer_stages.html", {"stages": rows})
