"""Evaluation sets: pairs that people judged twice, written to a file and known by its hash.

Made before the first prompt, and never learned from: search.match_rows leaves out the pairs, their
queries or people, and their items. A pair is sure where everybody who judged it says bad (0), or
everybody says good (2 or 3). A set of fit holds what each person wanted before the first grade, so
that whoever judges by the file sees what people saw; it is personal data, and stays where it is.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from django.db.models import F, Min, Q

from catalog.errors import InvalidInput
from catalog.guidelines import guideline_of
from catalog.models import Item, Label
from catalog.types import Viewer
from recs.history import read_history
from recs.ml.match.ladder_rows import FIT, OWNER, RELEVANCE, as_records
from recs.ml.match.measures import kappa
from recs.ml.relevance.pairs import Pairs
from recs.models import FrozenLabels

RULE = "sure: all who judged say bad (grade 0), or all say good (grade 2 or 3)"
RULE_OF_FILE = "sure: no variance among those who judged, and the lowest or the highest grade"
LEAST_GOOD = 2
# Of a taste the newest, as many as the filter reads (recs.match_filter).
MOST_WANTED, MOST_UNWANTED = 30, 20


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenSet:
    """A set as it stands in its file. `head`: its kind, rule and agreement."""

    head: Mapping[str, Any]
    pairs: Sequence[Mapping[str, Any]]
    sha256: str

    @property
    def kind(self) -> str:
        """Of what: relevance or fit."""
        return str(self.head.get("kind", RELEVANCE))

    @property
    def tastes(self) -> Mapping[str, Any]:
        """Of a set of fit: of each person what was wanted and what was not."""
        tastes = self.head.get("tastes")
        return tastes if isinstance(tastes, dict) else {}

    @property
    def sure(self) -> list[Mapping[str, Any]]:
        """The pairs of high confidence."""
        return [pair for pair in self.pairs if pair["sure"]]


def freeze(*, kind: str, out: Path) -> FrozenSet:
    """Write the pairs that two people or more judged, and keep that nothing may learn from them.

    Raises:
        InvalidInput: where there is no such pair, or another set has been written there.
    """
    found = _pairs_of(kind, least=2)
    if not found:
        raise InvalidInput("No pair was judged by two people yet: there is nothing to freeze.")
    name, pairs = OWNER[kind], [told for told, _ in found]
    head = {
        "kind": kind, "rule": RULE, "guideline": guideline_of(kind).version,
        "agreement": agreement_of([said for _, said in found]),
        "judged by": sorted({who for _, said in found for who, _ in said}),
        **_head_of(kind, pairs),
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


def reviewed(kind: str) -> FrozenSet:
    """Every pair that somebody judged, as what a labeller may learn from; it is written nowhere.

    Where several people judged one, its grade is their mean. What a frozen set holds is left out by
    whoever learns (recs.ml.match.ladder_rows.apart).
    """
    pairs = [told for told, _ in _pairs_of(kind, least=1)]
    return FrozenSet(head={"kind": kind, **_head_of(kind, pairs)}, pairs=pairs, sha256="")


def of_pairs(pairs: Pairs) -> FrozenSet:
    """Pairs of a file as what a labeller may learn from; grades from 1 to 4 become 0 to 3."""
    return FrozenSet(head={"kind": RELEVANCE}, pairs=as_records(pairs), sha256="")


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


Said = list[tuple[str, int]]


def _pairs_of(kind: str, *, least: int) -> list[tuple[dict[str, Any], Said]]:
    """What at least so many people judged, as a set's file tells it, and who said what."""
    by_pair: dict[tuple[str, str], Said] = defaultdict(list)
    told: dict[tuple[str, str], dict[str, Any]] = {}
    for label in _judged_by_people(kind):
        owner = label.query if kind == RELEVANCE else label.person.external_id
        key = (owner, label.item.external_id)
        by_pair[key].append((label.labeller, label.grade))
        told.setdefault(key, _told(label.item))
    enough = {key: said for key, said in by_pair.items() if len({who for who, _ in said}) >= least}
    return [
        (
            {
                OWNER[kind]: key[0], "item": key[1], **told[key],
                "grade": round(float(np.mean([grade for _, grade in said])), 3),
                "judges": len({who for who, _ in said}), "sure": _is_sure(said),
            },
            said,
        )
        for key, said in sorted(enough.items())
    ]  # fmt: skip


def _told(item: Item) -> dict[str, Any]:
    """An item as a set's file tells it."""
    told: dict[str, Any] = {"title": item.title, "description": item.description}
    more = {"categories": list(item.categories), "creators": list(item.creators)}
    return told | {name: values for name, values in more.items() if values}


def _head_of(kind: str, pairs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the head holds beside: of a set of fit, the tastes."""
    if kind != FIT:
        return {}
    return {"tastes": _tastes({str(pair["person"]) for pair in pairs})}


def _tastes(people: Collection[str]) -> dict[str, Any]:
    """Of each person, what was wanted and what was not, as of their first grade: none saw more."""
    found: dict[str, Any] = {}
    first = (
        _judged_by_people(FIT).filter(person__external_id__in=people).order_by()
        .values_list("person_id", "person__external_id").annotate(at=Min("created_at"))
    )  # fmt: skip
    for key, name, at in sorted(first, key=lambda row: str(row[1])):
        history = read_history(viewer=Viewer(person_id=key), as_of=at)
        wanted = {one.item_id: one.weight for one in history.taste[:MOST_WANTED]}
        unwanted = sorted(history.unwanted - wanted.keys(), reverse=True)[:MOST_UNWANTED]
        items = Item.objects.in_bulk([*wanted, *unwanted])
        found[str(name)] = {
            "wanted": [
                {**_told(items[one]), "weight": round(weight, 4)}
                for one, weight in wanted.items() if one in items
            ],
            "unwanted": [_told(items[one]) for one in unwanted if one in items],
        }  # fmt: skip
    return found


def _judged_by_people(kind: str) -> Any:
    version = guideline_of(kind).version
    return (
        Label.objects.filter(kind=kind, source=Label.Source.HUMAN)
        .filter(Q(guideline="") | Q(guideline=version))
        .filter(Q(content_hash="") | Q(content_hash=F("item__content_hash")))
        .select_related("item", "person")
        .order_by("labeller", "pk")
    )
