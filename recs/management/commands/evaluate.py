"""Measure a version of the user model through the functions that answer requests."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalog.errors import ProjectError
from catalog.progress import BarProgress
from recs.evaluation import Evaluation, EvaluationConfig, evaluate
from recs.models import ModelVersion
from recs.user_models import KIND


class Command(BaseCommand):
    """Prints NDCG@10 and recall@10 of the served lists beside popularity and tuned item-kNN."""

    help = "NDCG@10 and recall@10 of a version's served lists on one global split in time."

    def add_arguments(self, parser: CommandParser) -> None:
        """The version, the moment and how long after it counts."""
        parser.add_argument("--version-name", help="default: the live one")
        parser.add_argument(
            "--at", help="moment of the split, ISO; default: that of the version's last event"
        )
        parser.add_argument("--days", type=float, default=30.0, help="how long after it counts")
        parser.add_argument("--people", type=int, default=1000)
        parser.add_argument("--seed", type=int, default=0)

    def handle(self, *args: Any, **options: Any) -> None:
        """Evaluate and print a table."""
        version = _version(options["version_name"])
        try:
            found = evaluate(
                version,
                at=_moment(options["at"]) or version.as_of,
                horizon=timedelta(days=options["days"]),
                config=EvaluationConfig(most_people=options["people"], seed=options["seed"]),
                progress=BarProgress(),
            )
        except ProjectError as error:
            raise CommandError(error.detail) from error
        self._tell(found)

    def _tell(self, found: Evaluation) -> None:
        people = len(set(found.cases.people.tolist()))
        self.stdout.write(
            f"{found.version}: {len(found.cases.people)} items of {people} people from "
            f"{found.at:%Y-%m-%d} until {found.until:%Y-%m-%d}"
        )
        slices = {"overall": None, **found.cases.slices}
        for name, within in slices.items():
            cases = len(found.cases.people) if within is None else int(within.sum())
            if not cases:
                continue
            told = "  ".join(
                f"{system} {ndcg:.4f} {recall:.4f}"
                for system, (ndcg, recall) in found.means(within).items()
            )
            self.stdout.write(f"{name:30.30} {cases:7d}  {told}")


def _version(name: str | None) -> ModelVersion:
    rows = ModelVersion.objects.of_kind(KIND).kept()
    found: ModelVersion | None = (
        rows.filter(name=name).first() if name else rows.filter(state="live").first()
    )
    if found is None:
        raise CommandError(f"There is no version '{name}'." if name else "No version is live.")
    return found


def _moment(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"'{text}' is no moment such as 2026-01-31.") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
