"""Print how search went."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalog.errors import InvalidInput
from search.analytics.overview import Numbers, overview
from search.analytics.scope import CHOICES, DEFAULT_DAYS, Scope
from search.reports import Share

HEAD = ("day", "searches", "people", "found nothing", "clicked", "taken", "asked anew",
        "from a pill", "MRR", "half ms", "95 % ms", "99 % ms")  # fmt: skip
WIDTHS = (18, 9, 8, 14, 8, 8, 11, 12, 7, 9, 9, 9)


class Command(BaseCommand):
    """The overview by day, the whole and the period before; docs/analytics.md says what each is."""

    help = "Print how search went by day: found nothing, clicked, taken, asked anew, how fast."

    def add_arguments(self, parser: CommandParser) -> None:
        """The days and the part of the searches."""
        parser.add_argument("--days", type=int, default=DEFAULT_DAYS)
        for name, choices in CHOICES.items():
            parser.add_argument(f"--{name}", choices=[one for one in choices if one], default="")

    def handle(self, *args: Any, **options: Any) -> None:
        """Count and print."""
        try:
            scope = Scope.read(
                {"days": str(options["days"]), **{name: options[name] or "" for name in CHOICES}}
            )
        except InvalidInput as error:
            raise CommandError(error.detail) from error
        found = overview(scope)
        self._line(HEAD)
        for day, numbers in found.days.items():
            self._line((day, *_cells(numbers)))
        self._line(("whole", *_cells(found.totals)))
        self._line(("the period before", *_cells(found.before)))

    def _line(self, cells: tuple[str, ...]) -> None:
        first, *others = (f"{cell:>{width}}" for cell, width in zip(cells, WIDTHS, strict=True))
        self.stdout.write(f"{first.strip():<{WIDTHS[0]}}{''.join(others)}")


def _cells(numbers: Numbers) -> tuple[str, ...]:
    shares = (numbers.no_results, numbers.clicked, numbers.taken, numbers.anew, numbers.picked)
    mean = numbers.reciprocal_rank
    return (
        f"{numbers.searches:,}",
        f"{numbers.people:,}",
        *(_percent(share) for share in shares),
        f"{mean.value:.2f}" if mean.count else "-",
        *(f"{ms:.1f}" if numbers.searches else "-" for ms in numbers.latency_ms),
    )


def _percent(share: Share) -> str:
    return f"{share.value:.1%}".replace("%", " %") if share.whole else "-"
