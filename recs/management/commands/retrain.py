"""Train what is learned from events, judge it, and let it go live if it is good."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalog.errors import ProjectError
from recs import training_runs
from recs.errors import AlreadyTraining, NotEnoughEvents
from recs.learning import STEPS, learn
from recs.learning_data import UserModelRunConfig
from recs.models import ModelVersion, TrainingRun
from recs.unified_steps import UnifiedRunConfig

CONFIG = "; ".join(
    f"{kind}: {', '.join(field.name for field in fields(config))}"
    for kind, config in (("user_model", UserModelRunConfig), ("unified", UnifiedRunConfig))
)
FAILED, NOTHING, BUSY, CANCELLED, REFUSED = 1, 3, 4, 5, 6
# What a run can fail with that its message explains; anything else is a defect and has its trace.
NAMED = (ProjectError, OSError, ArithmeticError, MemoryError, ValueError)


class Command(BaseCommand):
    """Shows bars; stopped by Ctrl-C or killed, the next call goes on where it was."""

    help = (
        "From events to a version that is live or refused. Exit codes: 0 live, 1 failed, 3 nothing "
        "to learn from, 4 another process is at it, 5 cancelled, 6 refused."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """The kind, the seed, and what to change of the defaults."""
        parser.add_argument("--kind", choices=list(STEPS), default="user_model")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument(
            "--set", action="append", default=[], metavar="NAME=VALUE", dest="changes",
            help=f"change a default of the kind; {CONFIG}",
        )  # fmt: skip
        parser.add_argument(
            "--cancel", action="store_true", help="ask the run that is at work to stop"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Train, or ask what trains to stop."""
        if options["cancel"]:
            self.stdout.write(_cancel(options["kind"]))
            return
        try:
            run = learn(
                kind=options["kind"],
                config=_changes(options["changes"]),
                seed=options["seed"],
                bar=True,
            )
        except NotEnoughEvents as error:
            raise CommandError(error.detail, returncode=NOTHING) from error
        except AlreadyTraining as error:
            raise CommandError(error.detail, returncode=BUSY) from error
        except NAMED as error:
            raise CommandError(str(error), returncode=FAILED) from error
        self._tell(run)

    def _tell(self, run: TrainingRun) -> None:
        if run.state == TrainingRun.State.CANCELLED:
            raise CommandError("Cancelled.", returncode=CANCELLED)
        version = run.version
        if version is not None and version.state == ModelVersion.State.REFUSED:
            raise CommandError("\n".join(_refusal(version)), returncode=REFUSED)
        self.stdout.write(run.message)


def _refusal(version: ModelVersion) -> Iterable[str]:
    yield f"{version} was refused:"
    yield from (f"  {reason}" for reason in version.gate.get("reasons", []))
    yield f"See `manage.py model_versions show {version.name}`."


def _cancel(kind: str) -> str:
    run = TrainingRun.objects.open().of_kind(kind).first()
    if run is None:
        raise CommandError(f"No run of the kind '{kind}' is open.")
    training_runs.request_cancel(run=run)
    return f"{run} was asked to stop."


def _changes(given: Iterable[str]) -> Mapping[str, Any]:
    """Names and numbers of `--set`.

    Raises:
        CommandError: for what is no NAME=VALUE with a number, true, false or none.
    """
    words = {"true": True, "false": False, "none": None}
    changes: dict[str, Any] = {}
    for text in given:
        name, _, value = text.partition("=")
        try:
            number = float(value) if "." in value or "e" in value else int(value)
            changes[name] = number
        except ValueError:
            if value.lower() not in words:
                raise CommandError(f"--set {text}: give NAME=NUMBER, true, false or none") from None
            changes[name] = words[value.lower()]
    return changes
