"""What may stand in for what a request lacks, by rule; on surfaces without a rule zeros stay.

| task | words | source |
|---|---|---|
| search | as asked | none |
| similar | the source's title | as given |
| home | none | the person's newest wanted item |

Source: Bhattacharya et al., Joint Modeling of Search and Recommendations via a Unified Contextual
    Recommender (UniCoRn), RecSys 2024, section 2 (null source for search, display name as query
    for items).
Differs from the paper: what home lacks is not stated there; the rule above is ours.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from recs.ml.unified.surfaces import (
    HOME,
    NOBODY,
    SIMILAR,
    TASKS,
    Requests,
    SurfaceLog,
    newest_then,
)

Bools = npt.NDArray[np.bool_]

# Surfaces with a rule.
FILLED = (TASKS[HOME], TASKS[SIMILAR])


@dataclass(frozen=True, slots=True, kw_only=True)
class Imputed:
    """Requests with what was filled in; `given`: (R, 3) bool, words, source, person as asked."""

    requests: Requests
    given: Bools


def impute(
    requests: Requests, log: SurfaceLog, first_title: int, *, surfaces: Collection[str]
) -> Imputed:
    """Fill in by the rules of this module.

    Args:
        requests: as asked.
        log: what people did; only what lies before a request is read.
        first_title: row of words of the title of item 0, which does not exist: that of item i is
            `first_title + i`.
        surfaces: names of those whose rule is followed; on the others zeros stay.
    """
    given = np.stack([requests.words > 0, requests.sources > 0, requests.persons != NOBODY], axis=1)
    if not surfaces:
        return Imputed(requests=requests, given=given)
    newest = newest_then(log.wanted, requests.persons, requests.days, 1).last_items()
    needs_source = _of(requests, HOME, surfaces) & ~given[:, 1]
    sources = np.where(needs_source, newest, requests.sources)
    needs_words = _of(requests, SIMILAR, surfaces) & ~given[:, 0] & (sources > 0)
    words = np.where(needs_words, first_title + sources, requests.words)
    return Imputed(requests=replace(requests, words=words, sources=sources), given=given)


def _of(requests: Requests, task: int, surfaces: Collection[str]) -> Bools:
    """(R,) which requests are of a surface whose rule is followed."""
    return requests.of_task(task) & (TASKS[task] in surfaces)
