"""Evaluation sets: pairs that people judged twice, written to a file and known by its hash.

Made before the first prompt, and never learned from: search.match_rows leaves out the pairs, their
queries or people, and their items. A pair is sure where everybody who judged it says bad (0), or
everybody says good (2 or 3).
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from django.db.models import F, Q

from catalog.errors import InvalidInput
from catalog.guidelines import guideline_of
from catalog.models import Label
from recs.ml.match.measures import kappa
from recs.ml.relevance.pairs import Pairs
from recs.models import FrozenLabels

RULE = "sure: all who judged say bad (grade 0), or all say good (grade 2 or 3)"
RULE_OF_FILE = "sure: no variance among those who judged, and the lowest or the highest grade"
LEAST_GOOD = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenSet:
    """A set as it stands in its file. `head`: its kind, rule and agreement."""

    head: Mapping[str, Any]
    pairs: Sequence[Mapping[str, Any]]
    sha256: str

    @property
    def sure(self) -> list[Mapping[str, Any]]:
        """The pairs of high confidence."""
        return [pair for pair in self.pairs if pair["sure"]]


def freeze(*, kind: str, out: Path) -> FrozenSet:
    """Write the pairs that two people or more judged, and keep that nothing may learn from them.

    Raises:
        InvalidInput: where there is no such pair, or another set has been written there.
    """
    by_pair: dict[tuple[str, str], list[tuple[str, int]]] = defaultdict(list)
    told: dict[tuple[str, str], Mapping[str, Any]] = {}
    for label in _judged_by_people(kind):
        key = (label.query if kind == Label.Kind.RELEVANCE else label.person.external_id,
               label.item.external_id)  # fmt: skip
        by_pair[key].append((label.labeller, label.grade))
        told[key] = {"title": label.item.title, "description": label.item.description}
    twice = {key: said for key, said in by_pair.items() if len({who for who, _ in said}) > 1}
    if not twice:
        raise InvalidInput("No pair was judged by two people yet: there is nothing to freeze.")
    name = "query" if kind == Label.Kind.RELEVANCE else "person"
    pairs = [
        {
            name: key[0], "item": key[1], **told[key],
            "grade": round(float(np.mean([grade for _, grade in twice[key]])), 3),
            "judges": len({who for who, _ in twice[key]}), "sure": _is_sure(twice[key]),
        }
        for key in sorted(twice)
    ]  # fmt: skip
    head = {
        "kind": kind, "rule": RULE, "guideline": guideline_of(kind).version,
        "agreement": agreement_of(list(twice.values())),
        "judged by": sorted({who for said in twice.values() for who, _ in said}),
    }  # fmt: skip
    frozen = write(out, head, pairs)
    FrozenLabels.objects.get_or_create(
        sha256=frozen.sha256,
        defaults={
            "kind": kind, "agreement": head["agreement"],
            "pairs": [
                {key: pair[key] for key in (name, "item", "grade", "sure")} for pair in pairs
            ],
        },
    )  # fmt: skip
    return frozen


def freeze_file(*, judged: Pairs, out: Path, most: int, seed: int) -> FrozenSet:
    """A set of judged pairs that belong to no catalog, drawn by query; who judged is not known.

    Args:
        judged: with grades from 1 to 4 and the variance of those who judged.
        out: where it is written.
        most: pairs, of whole queries.
        seed: of the draw.

    Raises:
        InvalidInput: where another set has been written there.
    """
    queries = np.random.default_rng(seed).permutation(np.unique(np.array(judged.queries)))
    kept: list[dict[str, Any]] = []
    for query in queries.tolist():
        rows = [n for n, each in enumerate(judged.queries) if each == query]
        if kept and len(kept) + len(rows) > most:
            break
        kept += [
            {
                "query": query, "item": judged.ids[n], "title": judged.titles[n],
                "description": judged.descriptions[n], "grade": float(judged.grades[n]) - 1.0,
                "sure": bool(judged.variances[n] == 0 and judged.grades[n] in (1.0, 4.0)),
            }
            for n in rows
        ]  # fmt: skip
    head = {
        "kind": "relevance", "rule": RULE_OF_FILE, "guideline": "the file's own, 1 to 4",
        "agreement": {"pairs": len(kept), "without variance": round(
            float(np.mean([judged.variances[n] == 0 for n in range(len(judged))])), 4)},
        "judged by": ["several unknown people of the file, no experts of ours"],
    }  # fmt: skip
    return write(out, head, sorted(kept, key=lambda pair: (pair["query"], pair["item"])))


def write(out: Path, head: Mapping[str, Any], pairs: Sequence[Mapping[str, Any]]) -> FrozenSet:
    """The file, one line for the head and one for each pair.

    Raises:
        InvalidInput: where another set stands there already: a set never changes.
    """
    lines = [json.dumps(row, sort_keys=True, ensure_ascii=False) for row in (dict(head), *pairs)]
    content = ("\n".join(lines) + "\n").encode()
    if out.exists() and out.read_bytes() != content:
        raise InvalidInput(f"{out} holds another set, and a frozen set never changes.")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(content)
    return FrozenSet(head=head, pairs=pairs, sha256=hashlib.sha256(content).hexdigest())


def read_frozen(path: Path, *, sha256: str = "") -> FrozenSet:
    """A set from its file.

    Raises:
        InvalidInput: where its hash is another than the one it was frozen with, or it is no set.
    """
    try:
        content = path.read_bytes()
        rows = [json.loads(line) for line in content.decode().splitlines()]
        head, pairs = rows[0], rows[1:]
        if not pairs or any("grade" not in pair or "title" not in pair for pair in pairs):
            raise ValueError("there is no pair in it")
    except (OSError, ValueError, IndexError, TypeError) as error:
        raise InvalidInput(f"{path} is no evaluation set: {error}.") from error
    found = hashlib.sha256(content).hexdigest()
    if sha256 and found != sha256:
        raise InvalidInput(
            f"{path} has the hash {found[:12]}, and the set was frozen with {sha256[:12]}: it was "
            "changed since, and nothing is measured on it."
        )
    return FrozenSet(head=head, pairs=pairs, sha256=found)


def agreement_of(said: Sequence[Sequence[tuple[str, int]]]) -> dict[str, Any]:
    """How often the first two who judged a pair agree: on the grade, and that it is bad."""
    first = np.array([grades[0][1] for grades in said])
    second = np.array([grades[1][1] for grades in said])
    found = kappa(first == 0, second == 0)
    return {
        "pairs": len(said),
        "same grade": round(float((first == second).mean()), 4),
        "same on bad": round(float(((first == 0) == (second == 0)).mean()), 4),
        "kappa on bad": None if np.isnan(found) else round(found, 4),
    }


def _is_sure(said: Sequence[tuple[str, int]]) -> bool:
    grades = [grade for _, grade in said]
    return max(grades) == 0 or min(grades) >= LEAST_GOOD


def _judged_by_people(kind: str) -> Any:
    version = guideline_of(kind).version
    return (
        Label.objects.filter(kind=kind, source=Label.Source.HUMAN)
        .filter(Q(guideline="") | Q(guideline=version))
        .filter(Q(content_hash="") | Q(content_hash=F("item__content_hash")))
        .select_related("item", "person")
        .order_by("labeller", "pk")
    )
