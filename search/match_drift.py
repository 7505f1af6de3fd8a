"""Whether the match filter and those who teach it part: agreement on labels that came since.

Student and teacher: the live version's AUC against the language model's labels from after what it
learned from, beside the one that its gate measured. Teacher and people: how often both say "bad" of
the pairs that both judged, in the newest labels and in those before.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from recs.errors import UnusableVersion
from recs.match_filter import load_filter
from recs.ml.relevance.measures import auc
from recs.models import ModelVersion
from search.match_fit import teacher_and_people
from search.match_rows import Graded, read_graded

# A fall of so much is an alarm: of an AUC, and of the share on which two agree.
MOST_FALL = 0.05
# With fewer pairs nothing is concluded.
LEAST = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """What was found by head, and the alarms in words."""

    told: dict[str, Any]
    alarms: tuple[str, ...]


def drift(version: ModelVersion, *, as_of: datetime) -> Drift:
    """Look at the labels that came after what a live version learned from.

    Args:
        version: the live one.
        as_of: exclusive upper bound of the labels.
    """
    told: dict[str, Any] = {}
    alarms: list[str] = []
    try:
        served = load_filter(version)
    except UnusableVersion as error:
        return Drift(told={"problem": error.detail}, alarms=())
    for head in served.scorers:
        graded = read_graded(head, as_of=as_of, rarity=served.rarity)
        is_new = graded.times >= version.as_of.timestamp()
        found = {
            "student and teacher": _student(version, head, graded.take(is_new), served),
            "teacher and people": _teacher(graded, is_new),
        }
        told[head] = found
        for name, one in found.items():
            if one.get("fell", 0.0) > MOST_FALL:
                alarms.append(
                    f"{head}: {name} part: {one['now']:.3f} after {one['before']:.3f}, and "
                    f"{MOST_FALL:g} is the most that is not told."
                )
    return Drift(told=told, alarms=tuple(alarms))


def _student(version: ModelVersion, head: str, new: Graded, served: Any) -> dict[str, Any]:
    teacher = new.take(~new.is_human & (new.bad | new.good))
    report = version.metrics["heads"][head]
    before = (report["auc_against"].get("language models") or {}).get("mean")
    few = min(int(teacher.bad.sum()), int(teacher.good.sum()))
    if before is None or few < LEAST // 2:
        return {"pairs": len(teacher)}
    now = auc(served.scorers[head].chances(teacher.features), teacher.bad)
    return {"pairs": len(teacher), "before": before, "now": round(now, 5),
            "fell": round(before - now, 5)}  # fmt: skip


def _teacher(graded: Graded, is_new: np.ndarray[Any, np.dtype[np.bool_]]) -> dict[str, Any]:
    new, old = (teacher_and_people(graded.take(mask)) for mask in (is_new, ~is_new))
    if min(new["pairs"], old["pairs"]) < LEAST:
        return {"pairs": new["pairs"]}
    return {
        "pairs": new["pairs"], "before": old["same"], "now": new["same"], "kappa": new["kappa"],
        "fell": round(old["same"] - new["same"], 5),
    }  # fmt: skip
