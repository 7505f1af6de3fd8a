"""Have a language model write names, summaries, facts ...; they wait for an approval."""

from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalog.errors import ProjectError
from search.proposal_policy import accept_by_policy
from workers.augmentation import (
    attributes,
    categories,
    descriptions,
    names,
    spellings,
    summaries,
    synonyms,
)
from workers.augmented import WRITERS
from workers.llm.providers import provider, writes_freely
from workers.llm.types import Prompt, Provider

# By kind what a job of it would ask.
PROMPTS: Mapping[str, Callable[[int, Provider], list[Prompt]]] = {
    "attributes": attributes.prompts,
    "names": names.prompts,
    "synonyms": synonyms.prompts,
    "descriptions": descriptions.prompts,
    "categories": categories.prompts,
    "spellings": spellings.prompts,
    "summaries": summaries.prompts,
}


class Command(BaseCommand):
    """`manage.py write --kind attributes --items 200`; queries have `write_queries`."""

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
            if _is_too_small(kind, asked):
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
        accepted = accept_by_policy()
        told = f" A policy accepted {accepted:,}." if accepted else ""
        self.stdout.write(f"What was written waits in Admin -> Proposals.{told}")


def _is_too_small(kind: str, asked: Provider) -> bool:
    """Whether the model can neither write this kind nor choose it well enough."""
    if kind == "attributes":
        return False
    # LLM_WRITES=closed does not forbid a choice; the packaged model is no good at this one.
    return asked.is_small if kind == "spellings" else not writes_freely(asked)


def _cost(kind: str, items: int, asked: Provider) -> str:
    found = PROMPTS[kind](items, asked)
    made = sum(prompt.max_tokens for prompt in found)
    given = sum(prompt.guessed_tokens for prompt in found) - made
    return (
        f"{len(found)} calls of {asked.model}, about {given + made:,} tokens at most, "
        f"{asked.price.of(given, made):f} to pay."
    )
