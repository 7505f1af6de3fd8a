"""Judged pairs as every labeller of the ladder reads them: a query's, or a person's.

P pairs, F features. Those that teach are of other queries or people, and of other things.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from recs.ml.match import fit_features, relevance_features
from recs.ml.match.fit_features import Taste
from recs.ml.match.fitting import MatchRows, Schema
from recs.ml.match.judged import CHARACTERS, Encode, judged_world
from recs.ml.match.read_pairs import ReadPairs
from recs.ml.match.texts import ItemText
from recs.ml.relevance.pairs import Pairs, numbers_of

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Record = Mapping[str, Any]

RELEVANCE, FIT = "relevance", "fit"
SCHEMAS: Mapping[str, Schema] = {
    of: Schema(names=read.NAMES, better=read.BETTER, worse=read.WORSE)
    for of, read in ((RELEVANCE, relevance_features), (FIT, fit_features))
}
NEARNESS: Mapping[str, int] = {RELEVANCE: relevance_features.COSINE, FIT: fit_features.COSINE}
# What a pair belongs to.
OWNER: Mapping[str, str] = {RELEVANCE: "query", FIT: "person"}
# From here on a grade from 0 to 3 is good, and below the other it is bad; between, neither.
LEAST_GOOD, LEAST_FAIR = 1.5, 0.5
# Titles of what somebody wanted that a reader of texts is told.
MOST_TITLES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderRows:
    """P judged pairs. `features`: (P, F); `read`: the same as texts; `clear`: (P,) bad or good."""

    kind: str
    features: Floats
    read: ReadPairs
    clear: Bools

    def __len__(self) -> int:
        """P."""
        return len(self.read)

    def take(self, rows: Ints) -> "LadderRows":
        """Those at these places."""
        return LadderRows(
            kind=self.kind, features=self.features[rows], read=self.read.take(rows),
            clear=self.clear[rows],
        )  # fmt: skip

    @property
    def taught(self) -> "LadderRows":
        """Those that are bad or good: what is neither teaches nothing."""
        return self.take(np.flatnonzero(self.clear).astype(np.int64))

    @property
    def as_matches(self) -> MatchRows:
        """As the filter's own scorer learns from them, each counting the same."""
        return MatchRows(
            features=self.features, bad=self.read.bad, groups=self.read.groups,
            weights=np.ones(len(self)),
        )  # fmt: skip


def apart(train: Sequence[Record], tested: Sequence[Record], kind: str) -> list[Record]:
    """Those pairs whose query or person, and whose thing, is not tested."""
    owner = OWNER[kind]
    owners = {str(pair[owner]) for pair in tested}
    titles = {_same(pair["title"]) for pair in tested}
    return [
        pair for pair in train
        if str(pair[owner]) not in owners and _same(pair["title"]) not in titles
    ]  # fmt: skip


def ladder_rows(
    kind: str,
    pairs: Sequence[Record],
    encode: Encode,
    *,
    tastes: Mapping[str, Record] | None = None,
) -> LadderRows:
    """What is read of judged pairs.

    Args:
        kind: "relevance" or "fit".
        pairs: P, with grades from 0 to 3, `title` and `description`; of `query`, or of `person`.
        encode: texts to (N, D) unit vectors.
        tastes: for "fit", of each person what was `wanted` and `unwanted` before the grades.
    """
    if kind == RELEVANCE:
        features = judged_world(as_pairs(pairs), encode).features()
        asked = [str(pair["query"]) for pair in pairs]
    else:
        features = _fit_features(pairs, tastes or {}, encode)
        asked = [told_taste((tastes or {}).get(str(pair["person"]), {})) for pair in pairs]
    grades = np.array([float(pair["grade"]) for pair in pairs])
    _, groups = numbers_of([str(pair[OWNER[kind]]) for pair in pairs])
    return LadderRows(
        kind=kind, features=features, clear=(grades < LEAST_FAIR) | (grades >= LEAST_GOOD),
        read=ReadPairs(
            asked=asked, offered=[told_item(pair) for pair in pairs],
            nearness=features[:, NEARNESS[kind]].astype(np.float32), groups=groups,
            bad=grades < LEAST_FAIR,
        ),
    )  # fmt: skip


def as_pairs(pairs: Sequence[Record]) -> Pairs:
    """Pairs of queries in the form of `recs.ml.relevance`, whose grades are from 1 to 4."""
    return Pairs(
        ids=tuple(f"set {n}" for n in range(len(pairs))),
        queries=tuple(str(pair["query"]) for pair in pairs),
        titles=tuple(str(pair["title"]) for pair in pairs),
        descriptions=tuple(str(pair.get("description", "")) for pair in pairs),
        grades=np.array([float(pair["grade"]) + 1 for pair in pairs], np.float32),
        variances=np.zeros(len(pairs), np.float32),
    )


def as_records(pairs: Pairs) -> list[dict[str, Any]]:
    """The other way round."""
    return [
        {
            "query": pairs.queries[n], "item": pairs.ids[n], "title": pairs.titles[n],
            "description": pairs.descriptions[n], "grade": float(np.round(pairs.grades[n])) - 1.0,
        }
        for n in range(len(pairs))
    ]  # fmt: skip


def told_item(record: Record) -> str:
    """An item as a text."""
    kinds = ", ".join(_listed(record, "categories"))
    parts = (str(record["title"]), kinds, str(record.get("description", "")))
    return ". ".join(part for part in parts if part)


def told_taste(taste: Record) -> str:
    """What somebody wanted as a text: the newest titles with their categories."""
    wanted = list(taste.get("wanted", ()))[:MOST_TITLES]
    return "; ".join(
        f"{one['title']} ({', '.join(_listed(one, 'categories'))})" if one.get("categories")
        else str(one["title"])
        for one in wanted
    )  # fmt: skip


def _fit_features(pairs: Sequence[Record], tastes: Mapping[str, Record], encode: Encode) -> Floats:
    vector_of = _vectors(
        [told_item(one) for one in (*pairs, *(
            item for taste in tastes.values() for part in ("wanted", "unwanted")
            for item in taste.get(part, ())
        ))], encode,
    )  # fmt: skip

    def vectors(items: Sequence[Record]) -> Floats:
        return np.stack([vector_of(told_item(item)) for item in items])

    found = np.zeros((len(pairs), len(fit_features.NAMES)), np.float32)
    people, person_of = numbers_of([str(pair["person"]) for pair in pairs])
    for number, person in enumerate(people):
        rows = np.flatnonzero(person_of == number)
        own = [pairs[row] for row in rows.tolist()]
        told = tastes.get(person, {})
        wanted, unwanted = list(told.get("wanted", ())), list(told.get("unwanted", ()))
        taste = Taste(
            wanted=[_item_text(one) for one in wanted],
            wanted_vectors=vectors(wanted) if wanted else None,
            weights=[float(one.get("weight", 1.0)) for one in wanted],
            unwanted_vectors=vectors(unwanted) if unwanted else None,
        )
        texts = [_item_text(one) for one in own]
        found[rows] = fit_features.fit_features(taste, texts, vectors(own))
    return found


def _vectors(texts: Sequence[str], encode: Encode) -> Callable[[str], Floats]:
    """The vector of each distinct text, encoded once."""
    known = sorted({text[:CHARACTERS] for text in texts})
    table = encode(known) if known else np.zeros((0, 1), np.float32)
    place = {text: row for row, text in enumerate(known)}
    return lambda text: np.asarray(table[place[text[:CHARACTERS]]], np.float32)


def _item_text(record: Record) -> ItemText:
    return ItemText(
        title=str(record["title"]), description=str(record.get("description", "")),
        categories="\n".join(_listed(record, "categories")),
        creators="\n".join(_listed(record, "creators")), people=float(record.get("people", 0)),
    )  # fmt: skip


def _listed(record: Record, name: str) -> list[str]:
    return [str(one) for one in record.get(name) or ()]


def _same(title: object) -> str:
    """A title as copies of a thing share it."""
    return " ".join(str(title).casefold().split())
