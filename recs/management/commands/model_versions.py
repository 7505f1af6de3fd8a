"""Look at the versions of what is trained, and change which one is live."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalog.errors import ProjectError
from recs import registry
from recs.models import ModelVersion
from recs.pruning import prune

KINDS = [kind.value for kind in ModelVersion.Kind]


class Command(BaseCommand):
    """manage.py model_versions list | show NAME | promote NAME | rollback KIND | prune."""

    help = "List the versions of what is trained, show one, promote one, roll back, prune."

    def add_arguments(self, parser: CommandParser) -> None:
        """One word for what to do, and of what."""
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("list", help="all versions, newest first").add_argument(
            "--kind", choices=KINDS
        )
        for name, words in (
            ("show", "one version: what it is, its metrics, and what the gate said"),
            ("promote", "make a candidate or a retired version live"),
        ):
            action = actions.add_parser(name, help=words)
            action.add_argument("name")
            action.add_argument("--kind", choices=KINDS, help="where two kinds have the name")
        rollback = actions.add_parser("rollback", help="make the version before the live one live")
        rollback.add_argument("kind", choices=KINDS)
        actions.add_parser("prune", help="delete old folders, vectors and indexes").add_argument(
            "--kind", choices=KINDS
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what the word says."""
        try:
            lines = list(getattr(self, f"_{options['action']}")(options))
        except ProjectError as error:
            raise CommandError(error.detail) from error
        for line in lines:
            self.stdout.write(line)

    def _list(self, options: Mapping[str, Any]) -> Iterable[str]:
        versions = ModelVersion.objects.order_by("kind", "-created_at")
        if options["kind"]:
            versions = versions.of_kind(options["kind"])
        rows = [
            (
                version.kind,
                version.name,
                "pruned" if version.pruned_at else version.state,
                f"{version.as_of:%Y-%m-%d %H:%M}",
                f"{version.events:,}",
                _gate_score(version),
            )
            for version in versions
        ]
        if not rows:
            return ["No version yet: run `manage.py retrain`."]
        return _table([("kind", "name", "state", "as of", "events", "NDCG@10"), *rows])

    def _show(self, options: Mapping[str, Any]) -> Iterable[str]:
        version = registry.find(name=options["name"], kind=options["kind"])
        yield f"{version} ({version.state})"
        yield f"folder: {registry.folder(version)}"
        yield f"manifest: {version.manifest_sha256 or 'none'}"
        yield f"as of {version.as_of:%Y-%m-%d %H:%M}, seed {version.seed}"
        yield f"{version.events:,} events of {version.people:,} people, {version.items:,} items"
        if version.index_recall is not None:
            yield f"index recall@10: {version.index_recall:.3f}"
        yield f"config: {json.dumps(version.config, sort_keys=True)}"
        yield f"metrics: {json.dumps(version.metrics, sort_keys=True)}"
        yield from _gate_lines(version.gate)

    def _promote(self, options: Mapping[str, Any]) -> Iterable[str]:
        version = registry.find(name=options["name"], kind=options["kind"])
        registry.promote(version=version)
        return [f"{version} is live."]

    def _rollback(self, options: Mapping[str, Any]) -> Iterable[str]:
        version = registry.roll_back(kind=options["kind"])
        return [f"{version} is live again."]

    def _prune(self, options: Mapping[str, Any]) -> Iterable[str]:
        # Readers of codes before the codes: what nobody reads any more can go too.
        kinds = [options["kind"]] if options["kind"] else KINDS
        pruned = [version for kind in kinds for version in prune(kind=kind)]
        return [f"{version} deleted." for version in pruned] or ["Nothing to delete."]


def _gate_score(version: ModelVersion) -> str:
    for part in version.gate.get("slices", []):
        if part["name"] == "overall" and "candidate" in part["systems"]:
            return f"{part['systems']['candidate']['mean']:.4f}"
    return ""


def _gate_lines(gate: Mapping[str, Any]) -> Iterable[str]:
    if not gate:
        yield "gate: not judged"
        return
    yield f"gate: {'passed' if gate.get('passed') else 'refused'}"
    yield from (f"  {reason}" for reason in gate.get("reasons", []))
    slices = gate.get("slices", [])
    if not slices:
        return
    systems = list(slices[0]["systems"])
    rows = [
        (
            f"{part['label']}{'' if part['is_judged'] else ' (too few to judge)'}",
            f"{part['people']:,}",
            *(f"{part['systems'][s]['mean']:.4f}" if s in part["systems"] else "" for s in systems),
        )
        for part in slices
    ]
    yield from _table([(gate.get("metric", ""), "people", *systems), *rows])


def _table(rows: list[tuple[str, ...]]) -> Iterable[str]:
    """Lines with the columns below each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
