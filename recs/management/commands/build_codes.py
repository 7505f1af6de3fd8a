"""Fit the semantic IDs anew and give every item its codes."""

from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalog.jobs import track
from recs import registry
from recs.code_assignment import KIND
from recs.codes import build_codes, name_kinds
from recs.ml.semantic_ids import SemanticIdConfig
from recs.models import ModelVersion


class Command(BaseCommand):
    """The codes in use answer until the new ones are complete."""

    help = "Fit semantic IDs on the items' content, give every item its codes, name the kinds."

    def add_arguments(self, parser: CommandParser) -> None:
        """Sizes, which by default follow the number of items."""
        parser.add_argument("--levels", type=int, default=3, help="codes of an item (3)")
        parser.add_argument("--codes", type=int, help="codes of each level")
        parser.add_argument("--flat", type=int, help="clusters of the flat ID")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument(
            "--names-only", action="store_true", help="only derive the names of the kinds anew"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Build and report."""
        if options["names_only"]:
            self._name_only()
            return
        try:
            config = SemanticIdConfig(
                levels=options["levels"], codes=options["codes"], flat=options["flat"]
            )
        except ValueError as error:
            raise CommandError(str(error)) from None
        with track(kind="recs.build_codes", params=asdict(config), bar=True) as progress:
            version = build_codes(config=config, seed=options["seed"], progress=progress)
            progress.result.update(version=version.name, state=version.state)
        self._tell(version)
        if version.state == ModelVersion.State.REFUSED:
            raise CommandError(" ".join(version.gate["reasons"]))

    def _name_only(self) -> None:
        version = registry.live(KIND)
        if version is None:
            raise CommandError("There are no codes yet: run `manage.py build_codes`.")
        self.stdout.write(f"{name_kinds(version)} kinds named.")

    def _tell(self, version: ModelVersion) -> None:
        told = version.metrics
        self.stdout.write(
            f"{version}: {told['items']} items, {told['different_ids']} different IDs, "
            f"{told['collision_rate']:.1%} share theirs (at most {told['largest_collision']})"
        )
        for number, level in enumerate(told["levels"], start=1):
            self.stdout.write(
                f"  level {number}: {level['used']} of {level['codes']} codes in use, "
                f"{level['smallest']} to {level['largest']} items each (median "
                f"{level['median']:.0f}), {level['error']:.3f} of the content left over, "
                f"{level['neighbours_sharing']:.3f} of nearest neighbours share the prefix "
                f"({level['anybody_sharing']:.4f} of any others)"
            )
