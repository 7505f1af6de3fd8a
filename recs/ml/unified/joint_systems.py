"""The learned systems of the joint benchmark: towers and ranker for all surfaces, or for one.

Three windows: towers and facts of the first; the second decides when to stop, gives the weights of
quality and teaches the ranker, whose features are as of the end of the first; then towers and facts
are made anew of both, and the third is what is reported.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from recs.ml.fit_types import RunOptions
from recs.ml.unified.config import UnifiedConfig
from recs.ml.unified.false_negatives import false_negatives
from recs.ml.unified.feature_reader import FeatureReader
from recs.ml.unified.judged import Judged, best_rows, hide_seen, recall_of, sample
from recs.ml.unified.prepared import Prepared
from recs.ml.unified.quality import choose_weights
from recs.ml.unified.ranker import Ranker, RankerConfig, draw_lists, fit_ranker, shown_lists
from recs.ml.unified.retriever import Retriever, fit_retriever
from recs.ml.unified.shown import ShownLists
from recs.ml.unified.surfaces import TASKS, Examples

Floats = npt.NDArray[np.float32]

# Requests of each surface that say after an epoch whether the towers find more than before.
VALIDATING = 600
# Later requests by which weights of quality are chosen: each trial ranks the catalogue for all.
WEIGHING = 300
# And so many others, which say whether they are kept.
PROVING = 900
SHARES = (1.0, 0.5, 0.25)
# Of what was chosen later such a share had a lower cosine with its request.
CUT_SHARE = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """A system, ready for the third window; `told`: what was chosen on the second.

    `others`: further rankers over the same towers, by name.
    """

    retriever: Retriever
    ranker: Ranker
    others: Mapping[str, Ranker]
    tasks: tuple[int, ...]
    told: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemConfig:
    """How a system learns, and the surfaces that it knows; the unified one knows all.

    `rankers`: further ones to learn over the same towers, by name.
    """

    unified: UnifiedConfig
    ranker: RankerConfig
    rankers: Mapping[str, RankerConfig] = field(default_factory=dict)
    tasks: tuple[int, ...] = tuple(range(len(TASKS)))


def fit_system(
    windows: tuple[Prepared, Prepared],
    judged: Judged,
    config: SystemConfig,
    options: RunOptions | None = None,
    shown: ShownLists | None = None,
) -> Learned:
    """Learn a system.

    Args:
        windows: as of the end of the first window, and of the second.
        judged: requests of the second.
        config: see its fields.
        options: where it runs.
        shown: lists of the second that people saw, which the ranker learns from as well.
    """
    options = options or RunOptions()
    early, late = (_only(prepared, config.tasks) for prepared in windows)
    later = judged.select(np.flatnonzero(np.isin(judged.requests.tasks, config.tasks)))
    options.say("towers of the first window")
    unified = _same_steps(config.unified, windows[0].examples, early.examples)
    scout, report = fit_retriever(early, unified, sample(later, VALIDATING), options)
    weights, found = weigh_quality(scout, later)
    options.say("the ranker on the second window")
    reader = FeatureReader(early, scout.with_weights_of(weights))
    drawn = draw_lists(reader, later, config.ranker)
    if shown is not None and len(shown):
        drawn += shown_lists(reader, shown)
    ranker = fit_ranker(reader, drawn, config.ranker, options)
    others = {name: fit_ranker(reader, drawn, one, options) for name, one in config.rankers.items()}
    options.say("towers of both windows")
    epochs = report.best_epoch or unified.fit.epochs
    final = replace(unified, fit=replace(unified.fit, epochs=epochs))
    retriever, _ = fit_retriever(late, final, None, options)
    retriever = retriever.with_weights_of(weights)
    reader = FeatureReader(late, retriever)
    return Learned(
        retriever=retriever,
        ranker=replace(ranker, reader=reader),
        others={name: replace(one, reader=reader) for name, one in others.items()},
        tasks=config.tasks,
        told={
            "epochs": epochs,
            "validation": report.best_score,
            "quality_weights": weights.tolist(),
            "quality_recall": found,
            "cutoffs": cutoffs_of(scout, later),
            "false_negatives": false_negatives(early, scout, sample(later, VALIDATING), unified),
            "parameters": {"towers": retriever.parameters, "ranker": ranker.scores.parameters},
            "seconds": report.seconds,
        },
    )


def cutoffs_of(retriever: Retriever, judged: Judged) -> dict[str, float]:
    """By surface the cosine that three of four of the things that were chosen later had.

    Args:
        retriever: which did not learn from them.
        judged: later requests and what followed.
    """
    vectors = retriever.encode(judged.requests)
    cosines = np.einsum("td,td->t", vectors[judged.owners], retriever.items[judged.targets])
    tasks = judged.requests.tasks[judged.owners]
    return {
        name: float(np.quantile(cosines[tasks == task], CUT_SHARE))
        for task, name in enumerate(TASKS)
        if (tasks == task).any()
    }


def _same_steps(config: UnifiedConfig, every: Examples, own: Examples) -> UnifiedConfig:
    """So many epochs of the own examples as make the steps of all: equal budgets."""
    factor = max(1, round(config.drawn_of(every) / max(1, config.drawn_of(own))))
    fit = replace(
        config.fit,
        epochs=config.fit.epochs * factor,
        validate_every=config.fit.validate_every * factor,
    )
    return replace(config, fit=fit)


def _only(prepared: Prepared, tasks: tuple[int, ...]) -> Prepared:
    """The same, with the examples of some surfaces alone to learn from."""
    examples = prepared.examples
    kept = np.isin(examples.requests.tasks, tasks)
    return replace(prepared, examples=examples.select(kept))


def weigh_quality(retriever: Retriever, judged: Judged) -> tuple[Floats, dict[str, Any]]:
    """Weights of quality that find most of what followed, and find no less for other requests.

    They are searched with some of the requests. The others are asked once with them, with a half,
    and with a quarter of them: the largest with which recall@100 is not lower than without any is
    kept, else none. What is best for few requests is often chance.

    Args:
        retriever: which did not learn from the requests.
        judged: later requests and what followed.

    Returns:
        (F,) float32, and what was found: recall@100, the mean of the surfaces' means, at zero and
        at the best of the search; `kept`, the share of those that was kept; `others`, by share the
        recall for the other requests.
    """
    mixed = np.random.default_rng(0).permutation(len(judged))
    size = retriever.quality.shape[1]
    none = np.zeros(size, np.float32)
    # With few requests there are still others to ask.
    count = min(WEIGHING, (len(judged) + 1) // 2)
    recall = _recall_by_weights(retriever, judged.select(np.sort(mixed[:count])))
    weights, found = choose_weights(recall, size, trials=16, rounds=2)
    rest = judged.select(np.sort(mixed[count : count + PROVING]))
    if not len(rest) or not weights.any():
        return none, {**found, "kept": 0.0, "others": {}}
    proof = _recall_by_weights(retriever, rest)
    others = {share: proof(weights * np.float32(share)) for share in (0.0, *SHARES)}
    kept = next((share for share in SHARES if others[share] >= others[0.0]), 0.0)
    told = {str(share): value for share, value in others.items()}
    return weights * np.float32(kept), {**found, "kept": kept, "others": told}


def _recall_by_weights(retriever: Retriever, asked: Judged) -> Callable[[Floats], float]:
    """Recall@100 of these requests with given weights, the mean of the surfaces' means."""
    parts = [
        (part, retriever.encode(part.requests) @ retriever.items.T)
        for rows in np.array_split(np.arange(len(asked)), max(1, len(asked) // WEIGHING))
        for part in [asked.select(rows)]
    ]
    tasks = asked.requests.tasks
    log = retriever.reader.log

    def measure(weights: Floats) -> float:
        added = retriever.quality @ weights
        recall = np.concatenate(
            [
                recall_of(best_rows(hide_seen(base + added, part.requests, log), 100), part)
                for part, base in parts
            ]
        )
        return float(np.mean([recall[tasks == task].mean() for task in np.unique(tasks)]))

    return measure
