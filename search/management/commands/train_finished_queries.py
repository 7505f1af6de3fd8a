"""Learn from the log which typed texts are finished queries, and judge all of them."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalog.errors import ProjectError
from recs.errors import AlreadyTraining, NotEnoughEvents
from recs.models import ModelVersion
from search import pipeline
from search.finished import judge_texts

# As `manage.py retrain`.
FAILED, NOTHING, BUSY, REFUSED = 1, 3, 4, 6


class Command(BaseCommand):
    """`manage.py train_finished_queries`: safe to repeat."""

    help = (
        "From the log to a version that is live or refused. Exit codes: 0 live, 1 failed, "
        "3 too little in the log, 4 another process is at it, 6 refused."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Whether to learn, or to judge alone."""
        parser.add_argument(
            "--judge-only",
            action="store_true",
            help="judge the log by the live version, as after a roll back",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Learn and judge, or judge."""
        try:
            if options["judge_only"]:
                self.stdout.write(f"{judge_texts():,} texts judged.")
                return
            version = pipeline.train_finished_queries(bar=True)
        except NotEnoughEvents as error:
            raise CommandError(error.detail, returncode=NOTHING) from error
        except AlreadyTraining as error:
            raise CommandError(error.detail, returncode=BUSY) from error
        except ProjectError as error:
            raise CommandError(error.detail, returncode=FAILED) from error
        if version.state == ModelVersion.State.REFUSED:
            reasons = "\n  ".join([f"{version} was refused:", *version.gate.get("reasons", [])])
            raise CommandError(reasons, returncode=REFUSED)
        self.stdout.write(self.style.SUCCESS(f"{version} is {version.state}."))
