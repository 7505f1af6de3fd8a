"""Write labels to a file: CSV, JSON Lines or TREC's qrels."""

import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalog.judging.exports import FORMATS, TREC, lines_of
from catalog.labels import stale
from catalog.models import Label


class Command(BaseCommand):
    """`manage.py export_labels --format trec --out labels.qrels`."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        """Which, how and where to."""
        parser.add_argument("--format", choices=FORMATS, default=FORMATS[0])
        parser.add_argument("--out", required=True, help="a file; - for the terminal")
        parser.add_argument("--kind", choices=Label.Kind.values, help="qrels: relevance by default")
        parser.add_argument("--source", choices=Label.Source.values)
        parser.add_argument("--labeller", help="of this one only")
        parser.add_argument("--with-stale", action="store_true", help="stale ones too")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write, beside the file first, so that none is left half written."""
        labels = Label.objects.all() if options["with_stale"] else Label.objects.filter(~stale())
        is_trec = options["format"] == TREC
        kind = options["kind"] or (Label.Kind.RELEVANCE.value if is_trec else None)
        wanted = {"kind": kind, "source": options["source"], "labeller": options["labeller"]}
        labels = labels.filter(**{name: value for name, value in wanted.items() if value})
        judges = 1 if options["labeller"] else settings.CATALOG_JUDGES_PER_PAIR
        lines = lines_of(labels, format=options["format"], judges=judges)
        if options["out"] == "-":
            sys.stdout.writelines(lines)
            return
        out = Path(options["out"])
        beside = out.with_name(f"{out.name}.part")
        try:
            with beside.open("w", encoding="utf-8", newline="") as file:
                file.writelines(lines)
            beside.replace(out)
        except OSError as error:
            raise CommandError(f"{out} cannot be written: {error}") from error
        self.stdout.write(f"Written: {out}\n")
