"""Reviewed samples that come with a demo: what people said of an embedded model's proposals there.

A file tells the agreement with exactly one model, its weights and one version of the prompt; it
says nothing of other catalogs, and is loaded with the demo that it was drawn from.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from search.models import ProposalPolicy, ReviewSample
from search.proposal_models import Kind

FOLDER = Path(__file__).parent / "data"
# What the lower end of the agreement with the shipped sample (0.786) supports; an administrator
# changes it like any other.
BOUND = 0.75
SET_BY = "the demo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipped:
    """A file: about what it speaks, how many were drawn from, what was said of each."""

    columns: dict[str, str]
    population: int
    verdicts: tuple[bool, ...]


def read_shipped(name: str) -> Shipped:
    """The reviewed sample of a file: lines "# name: value", then a table."""
    told: dict[str, str] = {}
    rows: list[str] = []
    for line in (FOLDER / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            key, _, value = line.removeprefix("#").partition(":")
            told[key.strip()] = value.strip()
        else:
            rows.append(line)
    table = csv.DictReader(rows, delimiter="\t")
    names = ("model", "revision", "prompt_version")
    return Shipped(
        columns={"kind": Kind.QUERY.value} | {name: told[name] for name in names},
        population=int(told["drawn from"]),
        verdicts=tuple(row["good"] == "1" for row in table),
    )


def load_shipped(name: str) -> bool:
    """Let a file's sample count, and the demo's policy where there is none; whether it was new."""
    source = f"search/data/{name}"
    if ReviewSample.objects.filter(source=source).exists():
        return False
    told = read_shipped(name)
    with transaction.atomic():
        ReviewSample.objects.create(
            **told.columns, population=told.population, size=len(told.verdicts), wanted=BOUND,
            reviewed=len(told.verdicts), good=sum(told.verdicts), finished_at=timezone.now(),
            settled="shipped", source=source, created_by="the authors of the guideline",
        )  # fmt: skip
        ProposalPolicy.objects.get_or_create(
            kind=Kind.QUERY,
            defaults={"is_automatic": True, "bound": BOUND, "updated_by": SET_BY},
        )
    return True
