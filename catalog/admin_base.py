"""What the admin pages of every app are built from: bases, form fields, small drawings."""

from collections.abc import Callable, Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.postgres.fields import ArrayField
from django.core.paginator import Paginator
from django.db import connection, models
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, TabularInline
from unfold.dataclasses import UnfoldAction
from unfold.widgets import UnfoldAdminTextareaWidget

from catalog import directory, scope
from catalog.errors import ProjectError

# Up to here rows are counted; beyond it a page number says little and counting costs much.
COUNT_LIMIT = 10_000

# A partitioned table holds nothing itself, and a plain one is no partition tree: so both.
ESTIMATE = """
SELECT coalesce(sum(greatest(reltuples, 0)), 0)::bigint FROM pg_class
WHERE oid = %(table)s::regclass AND relkind = 'r'
   OR oid IN (SELECT relid FROM pg_partition_tree(%(table)s::regclass) WHERE isleaf)
"""


def estimated_rows(table: str) -> int:
    """How many rows the planner believes a table (or all its partitions) to hold."""
    with connection.cursor() as cursor:
        cursor.execute(ESTIMATE, {"table": table})
        return int(cursor.fetchone()[0])


def subheader(request: HttpRequest) -> str:
    """Below the admin's name: which catalog this is, where there are several."""
    name = scope.current()
    is_alone = name == scope.MAIN and not directory.known()
    return "Curation and operations" if is_alone else f"Catalog: {name}"


class EstimatedPaginator(Paginator):
    """Counts small lists, estimates whole tables, and stops counting filtered ones at a limit."""

    @cached_property
    def count(self) -> int:
        """Exact up to COUNT_LIMIT; above it the planner's estimate, or the limit itself."""
        rows: Any = self.object_list
        if not isinstance(rows, models.QuerySet):
            return len(rows)
        if not rows.query.where:
            estimate = estimated_rows(rows.model._meta.db_table)
            if estimate > COUNT_LIMIT:
                return estimate
        return rows.order_by()[:COUNT_LIMIT].count()


class FastAdmin(ModelAdmin):
    """A list over a table that may be big: no count of everything, no join that was not asked."""

    paginator = EstimatedPaginator
    show_full_result_count = False
    list_per_page = 50
    list_fullwidth = True
    list_filter_submit = True
    compressed_fields = True


class ReadOnlyAdmin(FastAdmin):
    """Rows that the program writes: looked at here, never edited."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds one by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Nobody changes one by hand."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """They are pruned by age, not by hand."""
        return False

    def offers(self, name: str, row: Any) -> bool:
        """Whether the action of that name means something for the row as it is now.

        Only the button depends on it: a page may be older than the row's state, so the action
        itself answers with a reason.
        """
        return True

    def get_actions_detail(self, request: HttpRequest, object_id: int) -> list[UnfoldAction]:
        """The buttons of a row's page: what one may do, and what makes sense."""
        allowed: list[UnfoldAction] = super().get_actions_detail(request, object_id)
        row = self.get_object(request, str(object_id))
        if row is None:
            return allowed
        return [a for a in allowed if self.offers(a.method.original_function_name, row)]


class ReadOnlyInline(TabularInline):
    """Rows of another table below a form, to be read."""

    extra = 0
    per_page = 25
    hide_title = True
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Nobody adds one by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Nobody changes one by hand."""
        return False


class LinesField(forms.Field):
    """A list of texts, one a line: a comma may be part of a name."""

    widget = UnfoldAdminTextareaWidget

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("help_text", "One a line.")
        super().__init__(**kwargs)
        self.widget.attrs["rows"] = 4

    def prepare_value(self, value: Any) -> Any:
        """Lines, from the stored list; what was typed stays as it is."""
        return "\n".join(value) if isinstance(value, list | tuple) else value

    def to_python(self, value: Any) -> list[str]:
        """The lines that hold something."""
        lines = value if isinstance(value, list | tuple) else str(value or "").splitlines()
        return [line.strip() for line in lines if line.strip()]

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compared as lists, so that a trailing line break is no change."""
        return not self.disabled and list(initial or []) != self.to_python(data)


class LinesMixin:
    """Every array of texts in the form becomes a LinesField."""

    def formfield_for_dbfield(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> forms.Field | None:
        """Arrays as lines, all else as unfold has it."""
        if isinstance(db_field, ArrayField):
            return LinesField(
                required=not db_field.blank, label=str(db_field.verbose_name).capitalize()
            )
        return super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]


def tell(request: HttpRequest, act: Callable[[], str]) -> None:
    """Do it, and tell the editor what came of it in `act`'s words, or why it cannot be done."""
    try:
        messages.success(request, act())
    except ProjectError as error:
        messages.error(request, error.detail)


def open_row(row: models.Model) -> HttpResponse:
    """What an action's dialog is answered with: the browser goes to the row's own page."""
    meta = row._meta
    address = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk])
    return HttpResponse(headers={"HX-Redirect": address})


def bar(done: int, total: int, *, title: str = "") -> SafeString:
    """A bar of progress with its numbers beside it, readable without seeing the bar."""
    percent = 0 if total <= 0 else min(100, round(100 * done / total))
    words = f"{done:,} of {total:,}" if total > 0 else f"{done:,}"
    return format_html(
        '<span class="foray-progress" title="{}"><svg viewBox="0 0 100 6" aria-hidden="true"'
        ' preserveAspectRatio="none"><rect class="track" width="100" height="6"/>'
        '<rect class="done" width="{}" height="6"/></svg><span>{}</span></span>',
        title or f"{percent} %",
        percent,
        words,
    )


def links(pairs: Sequence[tuple[str, str]]) -> SafeString:
    """Links beside each other, from (words, address)."""
    return format_html(
        '<span class="foray-links">{}</span>',
        SafeString("".join(format_html('<a href="{}">{}</a>', url, words) for words, url in pairs)),
    )
