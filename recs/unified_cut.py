"""The cut of a version of the unified model: what near in meaning is worth showing, learned anew.

Evidence is what people graded (labels of relevance), else what was chosen in searches that came
after what the version learned from. Half of the queries choose the cut; what it rejects and what it
removes is told of the other half, on the version's row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db.models import Avg

from catalog.judging.settled import settled_labels
from catalog.labels import stale
from catalog.models import Item, Label
from catalog.progress import NO_PROGRESS, Progress
from recs import embeddings, index
from recs.match_cut import features_of
from recs.ml.unified.judged import Judged
from recs.ml.unified.match_cut import FLOORS, LOOKED_AT
from recs.ml.unified.match_cut_fit import Tail, choose_cut, report_cut
from recs.ml.unified.prepared import Prepared
from recs.ml.unified.served import normal
from recs.ml.unified.surfaces import SEARCH, TASKS
from recs.models import ModelVersion
from recs.unified import Ranking, UnifiedAsk, ranking_of

DoubleFloats = npt.NDArray[np.float64]

# Queries that are asked for the sake of the cut.
MOST_QUERIES = 600
# Grades, from 0 to 3, from which and up to which a match is good, and is none.
LEAST_GOOD, MOST_BAD = 2.0, 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of one query: items by whether they are good. `whole`: the others are not."""

    text: str
    good: Mapping[int, bool]
    whole: bool = False


def learn_cut(
    version: ModelVersion,
    prepared: Prepared,
    judged: Judged,
    *,
    progress: Progress = NO_PROGRESS,
) -> dict[str, Any]:
    """The report of the cut that the evidence calls for, which cut_of() reads.

    Args:
        version: with its vectors; live or not.
        prepared: whose rows the requests are of.
        judged: requests that came after what the version learned from.
        progress: told of the queries.
    """
    tried: dict[str, Any] = {}
    for name, known in (("labels", _labelled()), ("searches", _searched(prepared, judged))):
        chosen, told = ([one for one in known if _half(one.text) == half] for half in (0, 1))
        tails = [_tail(version, part, progress) for part in (chosen, told)]
        if all(tail.is_enough for tail in tails):
            cut, report = choose_cut(tails[0])
            return {"evidence": name, **report, **report_cut(tails[1], cut)}
        tried[name] = {"chosen_on": tails[0].told(), "reported_on": tails[1].told()}
    return {"kind": FLOORS, "reason": "too few good matches lack a word", "evidence": tried}


def _labelled() -> list[Known]:
    """Grades of relevance: settled ones, else the mean of the people and LLMs who gave one."""
    kind = Label.Kind.RELEVANCE
    rows = Label.objects.filter(~stale(), kind=kind).exclude(source=Label.Source.MODEL)
    means = rows.values("query", "item_id").annotate(mean=Avg("grade")).order_by("query", "item_id")
    grades = {(row["query"], row["item_id"]): float(row["mean"]) for row in means}
    grades.update({(one.query, one.item_id): float(one.grade) for one in settled_labels(kind)})
    found: dict[str, dict[int, bool]] = {}
    for (query, item_id), grade in grades.items():
        if not MOST_BAD < grade < LEAST_GOOD:
            found.setdefault(normal(query), {})[item_id] = grade >= LEAST_GOOD
    return _drawn([Known(text=text, good=good) for text, good in found.items() if text])


def _searched(prepared: Prepared, judged: Judged) -> list[Known]:
    """Words of later searches, with all that was chosen for them."""
    keys = prepared.data.vocabulary.item_ids
    found: dict[str, dict[int, bool]] = {}
    for row in np.flatnonzero(judged.requests.tasks == SEARCH).tolist():
        text = normal(prepared.texts.rows[int(judged.requests.words[row])])
        part = judged.targets[judged.offsets[row] : judged.offsets[row + 1]]
        found.setdefault(text, {}).update({int(keys[item - 1]): True for item in part.tolist()})
    return _drawn([Known(text=text, good=good, whole=True) for text, good in found.items() if text])


def _drawn(known: list[Known]) -> list[Known]:
    return sorted(known, key=lambda one: blake2b(one.text.encode()).digest())[:MOST_QUERIES]


def _half(text: str) -> int:
    return blake2b(text.encode(), digest_size=1, person=b"half").digest()[0] % 2


def _tail(version: ModelVersion, known: Sequence[Known], progress: Progress) -> Tail:
    """Of each query what is near or known and lacks a word."""
    features, good, queries = [np.zeros((0, 3))], [np.zeros(0, bool)], [np.zeros(0, np.int64)]
    for number, one in enumerate(known):
        progress.advance(0, "where to cut")
        found = index.nearest_items(vector=embeddings.query_vector(one.text), k=LOOKED_AT)
        nearest = [item_id for item_id, _ in found]
        graded = () if one.whole else Item.objects.visible().filter(pk__in=list(one.good))
        also = [*nearest, *(item.pk for item in graded)]
        asked = UnifiedAsk(surface=TASKS[SEARCH], text=one.text, also=also)
        ranking = ranking_of(version, asked)
        places = _lacking(ranking, one)
        features.append(features_of(ranking, places, nearest))
        good.append(np.array([one.good.get(ranking.ids[n], False) for n in places], np.bool_))
        queries.append(np.full(len(places), number, np.int64))
    return Tail(
        features=np.concatenate(features),
        good=np.concatenate(good),
        queries=np.concatenate(queries),
    )


def _lacking(ranking: Ranking, one: Known) -> list[int]:
    """Places of the items that are judged and do not hold all words."""
    rows = Item.objects.filter(pk__in=list(ranking.ids)).order_by()
    held = rows.extra(
        where=["catalog_item.search_vector @@ plainto_tsquery('foray', %s)"], params=[one.text]
    )
    holding = set(held.values_list("pk", flat=True))
    return [
        place
        for place, item_id in enumerate(ranking.ids)
        if item_id not in holding and (one.whole or item_id in one.good)
    ]
