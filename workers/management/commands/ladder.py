"""Run every labeller on a frozen evaluation set: precision, recall, time, cost, what goes wrong."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from catalog.errors import ProjectError
from recs.frozen_labels import FrozenSet, of_pairs, read_frozen, reviewed
from recs.ml.errors import ArtifactError, CannotWrite, NothingToLearn
from recs.ml.match.ladder_rows import RELEVANCE, LadderRows
from recs.ml.match.tuned import Tuned, TunedConfig
from recs.ml.match.tuned_files import save_tuned
from recs.ml.relevance.pairs import read_pairs
from recs.ml.sequence_files import UnreadableFile
from recs.ml.text_encoder import TextEncoder, packaged_model_dir
from recs.models import FrozenLabels
from workers.augmentation.label_forms import BRIEF, FULL, LIKELIHOOD
from workers.ladder import LadderInput, Tuning, run_ladder, table, write_ladder
from workers.llm.endpoint import Endpoint
from workers.llm.gguf import GgufFile, packaged_file
from workers.llm.providers import provider, read_price
from workers.llm.types import Provider

# Where the grades of this catalog teach, and no file.
OF_CATALOG = "labels"


class Command(BaseCommand):
    """`manage.py ladder --set FILE --sha256 HASH --train FILE --out DIR`."""

    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The set, what may be learned from, and who is asked."""
        parser.add_argument("--set", type=Path, required=True, help="what freeze_labels wrote")
        parser.add_argument("--sha256", default="", help="the hash that it was frozen with")
        parser.add_argument(
            "--train",
            help="pairs to learn from: a CSV of judged ones, another frozen set, or 'labels' for "
            "what people judged in this catalog",
        )
        parser.add_argument("--out", type=Path, required=True)
        parser.add_argument(
            "--tune", type=Path, metavar="DIR", help="tune the small model, and keep it here"
        )
        parser.add_argument("--tune-most", type=int, default=2_000, help="pairs that tune it")
        parser.add_argument("--tune-seconds", type=float, default=600.0)
        parser.add_argument("--packaged", action="store_true", help="ask the packaged model")
        parser.add_argument("--gguf", type=Path, action="append", default=[], help="ask this file")
        parser.add_argument(
            "--endpoint", action="append", nargs="?", const="", default=[], metavar="MODEL@URL",
            help="ask this one; without a name what the settings name",
        )  # fmt: skip
        parser.add_argument(
            "--form", action="append", choices=(FULL, BRIEF, LIKELIHOOD), default=[],
            help="how models are asked; may stand several times",
        )  # fmt: skip
        parser.add_argument("--most", type=int, default=100, help="pairs for each model asked")
        parser.add_argument("--teach", type=int, default=40, help="pairs that teach a likelihood")
        parser.add_argument("--models-alone", action="store_true", help="run nothing else")
        parser.add_argument("--characters", type=int, default=4_000, help="of an item, for models")
        parser.add_argument("--seed", type=int, default=0)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run, write, and show the table."""
        if FrozenLabels._meta.db_table not in connection.introspection.table_names():
            raise CommandError("This database has no tables yet. Run manage.py migrate first.")
        try:
            frozen = read_frozen(options["set"], sha256=options["sha256"])
            folder = packaged_model_dir()
            given = LadderInput(
                frozen=frozen, train=_train(options["train"], frozen.kind),
                encode=TextEncoder(folder).encode_documents, tuning=_tuning(options, frozen),
                providers=_providers(options), forms=tuple(options["form"] or (FULL,)),
                most_asked=options["most"], most_taught=options["teach"],
                characters=options["characters"], models_alone=options["models_alone"],
                seed=options["seed"], say=self.stdout.write,
            )  # fmt: skip
            rows = run_ladder(given)
        except (
            ProjectError, UnreadableFile, ArtifactError, CannotWrite, NothingToLearn
        ) as error:  # fmt: skip
            raise CommandError(getattr(error, "detail", str(error))) from error
        write_ladder(rows, frozen, options["out"])
        self.stdout.write(table(rows))


def _train(named: str | None, kind: str) -> FrozenSet | None:
    if not named:
        return None
    if named == OF_CATALOG:
        return reviewed(kind)
    path = Path(named)
    if path.suffix == ".csv" and kind == RELEVANCE:
        return of_pairs(read_pairs(path, judged=True))
    found = read_frozen(path)
    if found.kind != kind:
        raise CommandError(f"{path} holds pairs of {found.kind}, and the set is of {kind}.")
    return found


def _tuning(options: dict[str, Any], frozen: FrozenSet) -> Tuning | None:
    out: Path | None = options["tune"]
    if out is None:
        return None
    if not options["train"]:
        raise CommandError("--tune needs --train: nothing is tuned on the set itself.")
    if out.exists():
        raise CommandError(f"{out} exists already, and what was tuned never changes.")
    folder = packaged_model_dir()

    def keep(tuned: Tuned, taught: LadderRows) -> None:
        about = {"train": options["train"], "pairs": len(taught), "apart from": frozen.sha256}
        save_tuned(out, tuned, folder, about)

    config = TunedConfig(most=options["tune_most"], seconds=options["tune_seconds"])
    return Tuning(model_dir=folder, config=config, keep=keep)


def _providers(options: dict[str, Any]) -> list[Provider]:
    found: list[Provider] = []
    if options["packaged"]:
        found.append(GgufFile(packaged_file()))
    found += [GgufFile(path.expanduser()) for path in options["gguf"]]
    return found + [_endpoint(named) for named in options["endpoint"]]


def _endpoint(named: str) -> Provider:
    if not named:
        return provider()
    model, at, url = named.partition("@")
    if not at or not model or not url:
        raise CommandError(f"--endpoint {named}: write MODEL@URL, small@http://127.0.0.1:8080/v1.")
    return Endpoint(
        base_url=url, model=model, key=str(settings.LLM_API_KEY), concurrency=1,
        price=read_price(str(settings.LLM_PRICE)),
    )  # fmt: skip
