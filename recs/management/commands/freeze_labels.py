"""Freeze pairs that people judged twice as an evaluation set, before the first prompt."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalog.errors import ProjectError
from catalog.models import Label
from recs.frozen_labels import freeze, freeze_file
from recs.ml.relevance.pairs import read_pairs
from recs.ml.sequence_files import UnreadableFile


class Command(BaseCommand):
    """`manage.py freeze_labels --kind relevance --out FILE`, or of a file of judged pairs."""

    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Of what, and where to."""
        parser.add_argument("--kind", choices=Label.Kind.values, default="relevance")
        parser.add_argument("--out", type=Path, required=True)
        parser.add_argument("--judgments", type=Path, help="a CSV of judged pairs, not the labels")
        parser.add_argument("--most", type=int, default=600, help="pairs of the CSV")
        parser.add_argument("--seed", type=int, default=0)

    def handle(self, *args: Any, **options: Any) -> None:
        """Write it, and tell its hash."""
        try:
            if options["judgments"]:
                judged = read_pairs(options["judgments"], judged=True)
                frozen = freeze_file(
                    judged=judged, out=options["out"], most=options["most"], seed=options["seed"]
                )
            else:
                frozen = freeze(kind=options["kind"], out=options["out"])
        except (ProjectError, UnreadableFile) as error:
            raise CommandError(getattr(error, "detail", str(error))) from error
        self.stdout.write(
            f"{len(frozen.pairs):,} pairs, {len(frozen.sure):,} of them sure; "
            f"agreement {frozen.head['agreement']}; sha256 {frozen.sha256}"
        )
