"""Benchmarks that write files for a judge; they read no row of the live catalog."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from recs.ml.family import FAMILY
from recs.ml.fit_types import FitProgress, RunOptions
from recs.ml.sequence_benchmark import PROTOCOLS, BenchmarkOptions, run_sequence_benchmark
from recs.ml.sequence_files import check_writable, read_sequence_files, write_rankings
from recs.ml.text_encoder import TextEncoder, packaged_model_dir


class Command(BaseCommand):
    """`benchmark sequences`: next items, leave-one-out, the whole catalogue ranked."""

    help = "Run a benchmark on files and write what a judge can score."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """One subcommand for each benchmark."""
        kinds = parser.add_subparsers(dest="benchmark", required=True)
        add = kinds.add_parser("sequences", help="Rank what each person goes on to.")
        add.add_argument("--sequences", type=Path, required=True, help="person item item ...")
        add.add_argument("--items", type=Path, help="item_id, text, keywords, attribute_ids")
        add.add_argument("--out", type=Path, required=True, help="person, tab, ten items")
        add.add_argument("--model", choices=list(FAMILY), default="user-model")
        add.add_argument("--seed", type=int, default=0)
        add.add_argument("--minutes", type=float, default=40.0, help="what it may take (40)")
        add.add_argument("--protocol", choices=PROTOCOLS, default="paper")
        add.add_argument(
            "--unordered",
            type=int,
            default=1,
            help="hide the order within so many consecutive events (1 hides nothing)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Read, fit, rank, write."""
        started = time.monotonic()
        out: Path = options["out"]
        try:
            check_writable(out)
            chosen = BenchmarkOptions(
                model=options["model"],
                seed=options["seed"],
                minutes=options["minutes"],
                protocol=options["protocol"],
                unordered=options["unordered"],
                run=RunOptions(progress=_Printed(), stage=_stages_since(started)),
            )
            files = read_sequence_files(options["sequences"], options["items"])
            result = run_sequence_benchmark(files, _encode, chosen)
            write_rankings(out, files.histories, result.rankings, files.vocabulary)
        except (ValueError, OSError) as error:
            raise CommandError(str(error)) from error
        weights = getattr(result.scorer, "weights", None)
        if weights is not None:
            parts = ", ".join(f"{name} {value:.3f}" for name, value in weights().items())
            self.stdout.write(f"weights: {parts}")
        found = ", ".join(f"{name} {value:.4f}" for name, value in result.validation.items())
        self.stdout.write(
            f"{options['model']}: {len(files.histories)} people, {len(files.vocabulary)} items; "
            f"validation {found}; {time.monotonic() - started:.0f} s; written to {out}"
        )


class _Printed:
    """A line every few seconds: how far the training is, and how long it may still take."""

    def __init__(self) -> None:
        self._at = 0.0

    def __call__(self, progress: FitProgress) -> None:
        now = time.monotonic()
        if now - self._at < 10.0 and not progress.message:
            return
        self._at = now
        score = f", validation NDCG@10 {progress.scores[-1]:.4f}" if progress.scores else ""
        left = "" if progress.seconds_left is None else f", {progress.seconds_left:.0f} s left"
        epoch = min(progress.epoch + 1, progress.epochs)
        sys.stderr.write(
            f"epoch {epoch} of {progress.epochs}, loss {progress.loss:.3f}"
            f"{score}{left} {progress.message}\n"
        )


def _stages_since(started: float) -> Callable[[str], None]:
    """A line for what begins, with the seconds that have passed."""
    return lambda stage: print(f"{time.monotonic() - started:.0f} s: {stage}", file=sys.stderr)


def _encode(texts: Any) -> Any:
    return TextEncoder(packaged_model_dir()).encode_documents(texts)
