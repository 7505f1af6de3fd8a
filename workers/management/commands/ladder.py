"""Run every labeller on a frozen evaluation set: precision, recall, time, cost, what goes wrong."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalog.errors import ProjectError
from recs.frozen_labels import read_frozen
from recs.ml.relevance.pairs import read_pairs
from recs.ml.sequence_files import UnreadableFile
from recs.ml.text_encoder import TextEncoder, packaged_model_dir
from workers.ladder import LadderInput, run_ladder, table, write_ladder
from workers.llm.gguf import GgufFile, packaged_file
from workers.llm.providers import provider
from workers.llm.types import Provider


class Command(BaseCommand):
    """`manage.py ladder --set FILE --sha256 HASH --train FILE --out DIR`."""

    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The set, what may be learned from, and who is asked."""
        parser.add_argument("--set", type=Path, required=True, help="what freeze_labels wrote")
        parser.add_argument("--sha256", default="", help="the hash that it was frozen with")
        parser.add_argument("--train", type=Path, help="a CSV of judged pairs to learn from")
        parser.add_argument("--out", type=Path, required=True)
        parser.add_argument("--packaged", action="store_true", help="ask the packaged model")
        parser.add_argument("--gguf", type=Path, action="append", default=[], help="ask this file")
        parser.add_argument("--endpoint", action="store_true", help="ask what the settings name")
        parser.add_argument("--most", type=int, default=100, help="pairs for each model asked")
        parser.add_argument("--seed", type=int, default=0)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run, write, and show the table."""
        try:
            frozen = read_frozen(options["set"], sha256=options["sha256"])
            train = read_pairs(options["train"], judged=True) if options["train"] else None
            given = LadderInput(
                frozen=frozen, train=train,
                encode=TextEncoder(packaged_model_dir()).encode_documents,
                providers=_providers(options), most_asked=options["most"], seed=options["seed"],
                say=self.stdout.write,
            )  # fmt: skip
            rows = run_ladder(given)
        except (ProjectError, UnreadableFile) as error:
            raise CommandError(getattr(error, "detail", str(error))) from error
        write_ladder(rows, frozen, options["out"])
        self.stdout.write(table(rows))


def _providers(options: dict[str, Any]) -> list[Provider]:
    found: list[Provider] = []
    if options["packaged"]:
        found.append(GgufFile(packaged_file()))
    found += [GgufFile(path.expanduser()) for path in options["gguf"]]
    if options["endpoint"]:
        found.append(provider())
    return found
