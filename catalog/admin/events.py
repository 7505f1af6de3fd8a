"""Events in the admin: the latest ones, one person's or one item's, and counts by kind and time."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Max, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter
from unfold.decorators import action, display

from catalog.admin_base import ReadOnlyAdmin
from catalog.event_counts import counts_by_day, counts_by_month, rows_by_partition
from catalog.models import Event, Item, Person

# Without a person or an item the list goes back this many events: fast at any size.
LATEST = 1_000_000
BY_SUBJECT = ("person__id__exact", "item__id__exact")


class SinceFilter(DropdownFilter):
    """Events of the last days."""

    title = "time"
    parameter_name = "since"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Spans that people think in."""
        return [("1", "last 24 hours"), ("7", "last 7 days"), ("30", "last 30 days")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Event]) -> QuerySet[Event]:
        """Events that are not older."""
        if self.value() not in ("1", "7", "30"):
            return queryset
        return queryset.filter(time__gte=timezone.now() - timedelta(days=int(self.value())))


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    """What people did: written in bulk, never changed, partitioned by time."""

    list_display = ("id", "time", "kind_name", "who", "item_title", "surface", "position", "value")
    list_select_related = ("person", "item")
    list_filter = (("kind", ChoicesDropdownFilter), SinceFilter)
    search_fields = ("person__external_id", "item__external_id")
    search_help_text = "The whole external ID of a person or of an item"
    list_before_template = "admin/event_note.html"
    actions_list = ("to_counts",)
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        """The latest events; all of them where a person or an item narrows the list."""
        rows = super().get_queryset(request)
        rows = rows.only(
            "time",
            "kind",
            "surface",
            "position",
            "value",
            "anonymous_id",
            "person__external_id",
            "item__title",
        )
        if self._is_narrowed(request) or self._is_detail(request):
            return rows
        latest = Event.objects.aggregate(latest=Max("id"))["latest"] or 0
        return rows.filter(id__gt=latest - LATEST)

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """As the index of the person or the item has them; else the latest received first."""
        return ("-time", "-id") if self._is_narrowed(request) else ("-id",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Event], search_term: str
    ) -> tuple[QuerySet[Event], bool]:
        """One person's events, or one item's: joined by number, as their indexes have them."""
        term = search_term.replace("\x00", "").strip()
        if not term:
            return queryset, False
        person = Person.objects.filter(external_id=term).values_list("pk", flat=True).first()
        if person is not None:
            return queryset.filter(person_id=person), False
        item = Item.objects.filter(external_id=term).values_list("pk", flat=True).first()
        return (queryset.none() if item is None else queryset.filter(item_id=item)), False

    def get_urls(self) -> list[URLPattern]:
        """The page of counts beside the list."""
        view = self.admin_site.admin_view(self.counts_view)
        return [path("counts/", view, name="catalog_event_counts"), *super().get_urls()]

    @action(description="Counts by kind and time", url_path="to-counts", icon="bar_chart")
    def to_counts(self, request: HttpRequest) -> HttpResponse:
        """To the page of counts."""
        return redirect(reverse("admin:catalog_event_counts"))

    def counts_view(self, request: HttpRequest) -> HttpResponse:
        """How many events of each kind there were, by day and, for one year, by month."""
        year = request.GET.get("year", "")
        months = counts_by_month(year=int(year)) if year.isdecimal() and len(year) == 4 else None
        return TemplateResponse(
            request,
            "admin/event_counts.html",
            {
                **self.admin_site.each_context(request),
                "title": "Events by kind and time",
                "opts": self.model._meta,
                "days": counts_by_day(days=30),
                "months": months,
                "year": year,
                "partitions": rows_by_partition(),
            },
        )

    def _is_narrowed(self, request: HttpRequest) -> bool:
        return any(request.GET.get(name) for name in (*BY_SUBJECT, "q"))

    def _is_detail(self, request: HttpRequest) -> bool:
        match = request.resolver_match
        return match is not None and match.url_name == "catalog_event_change"

    @display(description="kind", ordering="kind", label={"like": "success", "dislike": "danger"})
    def kind_name(self, event: Event) -> str:
        """The kind's name."""
        return event.get_kind_display()

    @display(description="who")
    def who(self, event: Event) -> str:
        """The person, or that it was a guest."""
        return str(event.person) if event.person else f"guest {(event.anonymous_id or '')[:8]}"

    @display(description="item")
    def item_title(self, event: Event) -> str:
        """The item's title."""
        return event.item.title
