"""Have a language model write names, synonyms, summaries ...; they wait for an approval."""

from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalog.errors import ProjectError
from workers.augmentation import categories, descriptions, names, spellings, summaries, synonyms
from workers.augmented import WRITERS
from workers.llm.providers import provider, writes_freely
from workers.llm.types import Prompt, Provider

# By kind what a job of it would ask.
PROMPTS: Mapping[str, Callable[[int, Provider], list[Prompt]]] = {
    "names": names.prompts,
    "synonyms": synonyms.prompts,
    "descriptions": descriptions.prompts,
    "categories": categories.prompts,
    "spellings": spellings.prompts,
    "summaries": summaries.prompts,
}
# A choice, which LLM_WRITES=closed does not forbid; the packaged model is no good at it.
CHOSEN = ("spellings",)


class Command(BaseCommand):
    """`manage.py write --kind names --items 40`; queries have `write_queries`."""

    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What, how many, and whether really."""
        parser.add_argument("--kind", choices=sorted(PROMPTS), required=True)
        parser.add_argument("--items", type=int, default=40)
        parser.add_argument("--dry-run", action="store_true", help="say what it would cost")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write, and say what came of it."""
        kind, items = options["kind"], options["items"]
        if items < 1:
            raise CommandError("--items is at least 1.")
        try:
            asked = provider()
            if asked.is_small if kind in CHOSEN else not writes_freely(asked):
                raise CommandError(
                    f"{asked.model} is too small to write {kind}: set LLM_GGUF to a GGUF file, or "
                    "LLM_BASE_URL and LLM_MODEL to an endpoint."
                )
            if options["dry_run"]:
                self.stdout.write(_cost(kind, items, asked))
                return
            WRITERS[kind](items=items, bar=options["verbosity"] > 0)
        except ProjectError as error:
            raise CommandError(error.detail) from error
        self.stdout.write("What was written waits in Admin -> Proposals.")


def _cost(kind: str, items: int, asked: Provider) -> str:
    found = PROMPTS[kind](items, asked)
    made = sum(prompt.max_tokens for prompt in found)
    given = sum(prompt.guessed_tokens for prompt in found) - made
    return (
        f"{len(found)} calls of {asked.model}, about {given + made:,} tokens at most, "
        f"{asked.price.of(given, made):f} to pay."
    )
