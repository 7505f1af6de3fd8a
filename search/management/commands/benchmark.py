"""Benchmarks that write files for a judge; they read no row of the live catalog."""

import argparse
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from recs.ml.family import FAMILY
from recs.ml.fit_types import FitProgress, RunOptions
from recs.ml.metrics import Interval
from recs.ml.relevance.pairs import read_pairs
from recs.ml.relevance.relevance_benchmark import (
    RelevanceOptions,
    RelevanceResult,
    run_relevance_benchmark,
)
from recs.ml.relevance.scores_file import write_found, write_scores
from recs.ml.sequence_benchmark import PROTOCOLS, BenchmarkOptions, run_sequence_benchmark
from recs.ml.sequence_files import check_writable, read_sequence_files, write_rankings
from recs.ml.text_encoder import TextEncoder, packaged_model_dir
from recs.ml.unified.joint_benchmark import MIXES, JointOptions, run_joint_benchmark
from recs.ml.unified.joint_files import read_joint
from recs.ml.unified.joint_report import table, write
from search.spelling_files import guess_words, write_guesses


class Command(BaseCommand):
    """Next items (`sequences`), surfaces (`joint`), judged results (`relevance`), `spelling`."""

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

        add = kinds.add_parser("joint", help="Search, home and similar items by one model.")
        add.add_argument("--data", type=Path, required=True, help="shaped like films/ or lastfm/")
        add.add_argument("--test-from", type=_date, required=True, help="2010-07-01, UTC")
        add.add_argument("--out", type=Path, required=True, help="a folder for both files")
        add.add_argument("--seed", type=int, default=0)
        add.add_argument(
            "--mixes",
            choices=MIXES,
            default="single",
            help="models beside the unified one: of one surface, of pairs as well",
        )

        add = kinds.add_parser("relevance", help="Score judged products of queries.")
        add.add_argument("--judgments", type=Path, required=True, help="pairs to score, CSV")
        add.add_argument("--train", type=Path, help="graded pairs to learn from, CSV")
        add.add_argument("--out", type=Path, required=True, help="id, relevance, bad_match")
        add.add_argument("--recall", type=Path, help="query, rank, id: 50 products of each query")
        add.add_argument("--seed", type=int, default=0)

        add = kinds.add_parser("spelling", help="Say which word of a vocabulary was meant.")
        add.add_argument("--words", type=Path, required=True, help="what was typed, a word a line")
        add.add_argument("--vocabulary", type=Path, required=True, help="a word a line")
        add.add_argument("--out", type=Path, required=True, help="typed, tab, best guess")

    def handle(self, *args: Any, **options: Any) -> None:
        """Read, fit, rank, write."""
        started = time.monotonic()
        run = RunOptions(progress=_Printed(), stage=_stages_since(started))
        parts = {
            "sequences": self._sequences,
            "joint": self._joint,
            "relevance": self._relevance,
            "spelling": self._spelling,
        }
        try:
            told = parts[options["benchmark"]](options, run)
        except (ValueError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{told}; {time.monotonic() - started:.0f} s; written to {options['out']}"
        )

    def _sequences(self, options: dict[str, Any], run: RunOptions) -> str:
        check_writable(options["out"])
        chosen = BenchmarkOptions(
            model=options["model"],
            seed=options["seed"],
            minutes=options["minutes"],
            protocol=options["protocol"],
            unordered=options["unordered"],
            run=run,
        )
        files = read_sequence_files(options["sequences"], options["items"])
        result = run_sequence_benchmark(files, _encode, chosen)
        write_rankings(options["out"], files.histories, result.rankings, files.vocabulary)
        weights = getattr(result.scorer, "weights", None)
        if weights is not None:
            parts = ", ".join(f"{name} {value:.3f}" for name, value in weights().items())
            self.stdout.write(f"weights: {parts}")
        found = ", ".join(f"{name} {value:.4f}" for name, value in result.validation.items())
        people, items = len(files.histories), len(files.vocabulary)
        return f"{options['model']}: {people} people, {items} items; validation {found}"

    def _joint(self, options: dict[str, Any], run: RunOptions) -> str:
        out: Path = options["out"]
        out.mkdir(parents=True, exist_ok=True)
        check_writable(out / "metrics.json")
        data = read_joint(options["data"])
        chosen = JointOptions(seed=options["seed"], mixes=options["mixes"], run=run)
        result = run_joint_benchmark(data, _encode, options["test_from"], chosen)
        metrics = write(out, data, result)
        self.stdout.write(table(metrics))
        return f"joint: {metrics['requests']} requests of {metrics['people']} people"

    def _relevance(self, options: dict[str, Any], run: RunOptions) -> str:
        for path in filter(None, (options["out"], options["recall"])):
            check_writable(path)
        chosen = RelevanceOptions(seed=options["seed"], run=run)
        judgments = read_pairs(options["judgments"], judged=False)
        train = read_pairs(options["train"], judged=True) if options["train"] else None
        result = run_relevance_benchmark(judgments, train, _encode, packaged_model_dir(), chosen)
        write_scores(options["out"], judgments, result.relevance, result.bad)
        if options["recall"]:
            write_found(options["recall"], judgments, result.found)
        for name, value in result.figures.items():
            self.stdout.write(f"{name}: {_figure(value)}")
        return f"relevance: {len(judgments)} pairs, {len(result.found)} queries; {_way_of(result)}"

    def _spelling(self, options: dict[str, Any], run: RunOptions) -> str:
        check_writable(options["out"])
        guesses = guess_words(options["words"], options["vocabulary"])
        write_guesses(options["out"], guesses)
        kept = sum(guess.is_known for guess in guesses)
        return f"spelling: {len(guesses)} words, {kept} of the vocabulary and left alone"


class _Printed:
    """A line every few seconds: how far the training is, and how long it may still take."""

    def __init__(self) -> None:
        self._at = 0.0

    def __call__(self, progress: FitProgress) -> None:
        now = time.monotonic()
        if now - self._at < 10.0 and not progress.message:
            return
        self._at = now
        score = f", validation {progress.scores[-1]:.4f}" if progress.scores else ""
        left = "" if progress.seconds_left is None else f", {progress.seconds_left:.0f} s left"
        epoch = min(progress.epoch + 1, progress.epochs)
        sys.stderr.write(
            f"epoch {epoch} of {progress.epochs}, loss {progress.loss:.3f}"
            f"{score}{left} {progress.message}\n"
        )


def _stages_since(started: float) -> Callable[[str], None]:
    """A line for what begins, with the seconds that have passed."""
    return lambda stage: print(f"{time.monotonic() - started:.0f} s: {stage}", file=sys.stderr)


def _figure(value: Interval | float) -> str:
    """A mean with what lies 95 % of the time around it, or a number alone."""
    if isinstance(value, Interval):
        return f"{value.mean:.4f} ({value.low:.4f} to {value.high:.4f})"
    return f"{value:.4f}"


def _way_of(result: RelevanceResult) -> str:
    if not result.folds:
        return "nothing learned"
    return "learned from other queries" + (f", in {result.folds} folds" if result.folds > 1 else "")


def _date(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date like 2010-07-01.") from None


def _encode(texts: Any) -> Any:
    return TextEncoder(packaged_model_dir()).encode_documents(texts)
