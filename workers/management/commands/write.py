"""Have a language model write names of kinds or synonyms; they wait for an approval."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalog.errors import ProjectError
from workers.augmentation import names, synonyms
from workers.llm.providers import provider, writes_freely
from workers.llm.types import Prompt, Provider

KINDS = ("names", "synonyms")


class Command(BaseCommand):
    """`manage.py write --kind names --items 40`; queries have `write_queries`."""

    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What, how many, and whether really."""
        parser.add_argument("--kind", choices=KINDS, required=True)
        parser.add_argument("--items", type=int, default=40)
        parser.add_argument("--dry-run", action="store_true", help="say what it would cost")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write, and say what came of it."""
        kind, items = options["kind"], options["items"]
        if items < 1:
            raise CommandError("--items is at least 1.")
        try:
            asked = provider()
            if not writes_freely(asked):
                raise CommandError(
                    f"{asked.model} is too small to write {kind}: set LLM_GGUF to a GGUF file, or "
                    "LLM_BASE_URL and LLM_MODEL to an endpoint."
                )
            if options["dry_run"]:
                self.stdout.write(_cost(kind, items, asked))
                return
            write = names.write_names if kind == "names" else synonyms.write_synonyms
            write(items=items, bar=options["verbosity"] > 0)
        except ProjectError as error:
            raise CommandError(error.detail) from error
        self.stdout.write("What was written waits in Admin -> Proposals.")


def _cost(kind: str, items: int, asked: Provider) -> str:
    found: list[Prompt] = (names if kind == "names" else synonyms).prompts(items, asked)
    made = sum(prompt.max_tokens for prompt in found)
    given = sum(prompt.guessed_tokens for prompt in found) - made
    return (
        f"{len(found)} calls of {asked.model}, about {given + made:,} tokens at most, "
        f"{asked.price.of(given, made):f} to pay."
    )
