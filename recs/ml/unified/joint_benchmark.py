"""Search and recommendations by one model, beside models of one surface and plain baselines.

Source: Bhattacharya et al., UniCoRn, RecSys 2024 (what is compared); the split is by time, every
ranking is of the whole catalogue.
"""

import itertools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from recs.ml.errors import NothingToLearn
from recs.ml.fit_types import RunOptions
from recs.ml.unified.config import UnifiedConfig
from recs.ml.unified.examples import home_examples, search_examples, similar_examples
from recs.ml.unified.joint_baselines import Baselines, tune
from recs.ml.unified.joint_files import SECONDS_A_DAY, JointData
from recs.ml.unified.joint_slices import Known, known_before
from recs.ml.unified.joint_systems import Learned, SystemConfig, fit_system
from recs.ml.unified.judged import Judged, judged_of, rank_requests, sample
from recs.ml.unified.person_model import PersonModelConfig, with_person_model
from recs.ml.unified.prepared import (
    Encode,
    Prepared,
    PreparedConfig,
    prepare,
    read_texts,
    with_settings,
)
from recs.ml.unified.ranker import RankerConfig
from recs.ml.unified.surfaces import SEARCH, SIMILAR, TASKS, Requests

Ints = npt.NDArray[np.int64]

RANKED = 100
UNIFIED = "unified"
# The user model read its people so long before, as if their vectors were made once a month.
STALE_DAYS = 30.0
STALE = "unified-stale-vectors"
# Sizes of the models beside the unified one, by the name of the option.
MIXES: Mapping[str, tuple[int, ...]] = {"none": (), "single": (1,), "pairs": (1, 2)}


@dataclass(frozen=True, slots=True, kw_only=True)
class JointOptions:
    """One configuration for every folder."""

    seed: int = 0
    # Models beside the unified one: "none", of one surface ("single"), of "pairs" as well.
    mixes: str = "single"
    # Share of the events before the test, the newest, that is the second window.
    validation_share: float = 0.15
    # Requests of each surface, drawn; of each person at most 20 of them.
    most_requests: int = 1500
    most_taught: int = 4000
    most_validated: int = 600
    unified: UnifiedConfig = field(default_factory=UnifiedConfig)
    ranker: RankerConfig = field(default_factory=RankerConfig)
    # The user model that the ranker reads; None for none.
    person: PersonModelConfig | None = field(default_factory=PersonModelConfig)
    # Rankers beside the unified one's, over the same towers and candidates, by name.
    rankers: Mapping[str, RankerConfig] = field(default_factory=dict)
    run: RunOptions = field(default_factory=RunOptions)


@dataclass(frozen=True, slots=True, kw_only=True)
class JointResult:
    """`rankings`: by system (R, 100) int64 item rows, all zeros where it does not answer.

    `known`: what was there before the date.
    """

    judged: Judged
    rankings: dict[str, Ints]
    known: Known
    about: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """The three windows, made ready once for whatever is learned on them.

    `early`, `late`: what was known at the end of the first window, and of the second. `taught`:
    requests of the second; `judged`: of the third. `known`: what was there before the third.
    """

    early: Prepared
    late: Prepared
    taught: Judged
    judged: Judged
    known: Known
    about: dict[str, Any]


def read_windows(
    data: JointData, encode: Encode, test_from: datetime, options: JointOptions
) -> Windows:
    """Prepare both moments, tune the baselines and draw requests.

    Args:
        data: a folder.
        encode: texts to unit vectors.
        test_from: aware; from it on nothing is learned.
        options: see its fields.

    Raises:
        NothingToLearn: where nothing is before the date, or nothing after it.
    """
    end = test_from.timestamp() / SECONDS_A_DAY
    start = second_window(data, end, options.validation_share)
    judged = sample(requests_between(data, end, np.inf), options.most_requests, seed=options.seed)
    second = requests_between(data, start, end)
    if not len(judged) or not len(second):
        raise NothingToLearn("The date leaves nothing to learn from, or nothing to rank for.")
    options.run.say("encoding texts")
    texts = read_texts(data, encode)
    options.run.say("what was known before the second window")
    early = prepare(data, texts, start, PreparedConfig(seed=options.seed))
    options.run.say("tuning the baselines")
    tuned = tune(early, sample(second, options.most_validated, seed=options.seed))
    early, late = with_settings(early, tuned), prepare(data, texts, end, tuned)
    if options.person is not None:
        early, late = (
            with_person_model(one, options.person, seed=options.seed, options=options.run)
            for one in (early, late)
        )
    return Windows(
        early=early,
        late=late,
        taught=sample(second, options.most_taught, seed=options.seed),
        judged=judged,
        known=known_before(data, end),
        about={
            "test_from": test_from.astimezone(UTC).isoformat(),
            "second_window_from": datetime.fromtimestamp(start * SECONDS_A_DAY, UTC).isoformat(),
            "seed": options.seed,
            "items": len(data.vocabulary),
            "tuned": {"k1": tuned.k1, "b": tuned.b, "item_knn": _fields(tuned.knn)},
        },
    )


def run_joint_benchmark(
    data: JointData, encode: Encode, test_from: datetime, options: JointOptions
) -> JointResult:
    """Fit on what is before a date, rank for the requests after it.

    Args, Raises: as read_windows().
    """
    started = time.monotonic()
    windows = read_windows(data, encode, test_from, options)
    rankings = _baselines(windows.late, windows.judged)
    learned = learn_systems(windows, options)
    options.run.say("ranking")
    for name, system in learned.items():
        rankings |= _learned(name, system, windows.judged)
    return JointResult(
        judged=windows.judged,
        rankings=rankings,
        known=windows.known,
        about={
            **windows.about,
            "learned": {name: system.told for name, system in learned.items()},
            "seconds": round(time.monotonic() - started, 1),
        },
    )


def learn_systems(windows: Windows, options: JointOptions) -> dict[str, Learned]:
    """The unified model, and those of fewer surfaces that the options ask for, by name."""
    return {
        name: fit_system((windows.early, windows.late), windows.taught, system, options.run)
        for name, system in _systems(_seeded(options), windows.taught).items()
    }


def _seeded(options: JointOptions) -> JointOptions:
    """The seed in every part."""
    unified, ranker, seed = options.unified, options.ranker, options.seed
    return replace(
        options,
        unified=replace(unified, fit=replace(unified.fit, seed=seed)),
        ranker=replace(ranker, fit=replace(ranker.fit, seed=seed)),
        rankers={
            name: replace(one, fit=replace(one.fit, seed=seed))
            for name, one in options.rankers.items()
        },
    )


def requests_between(data: JointData, start: float, end: float) -> Judged:
    """Every request in [start, end), days since 1970, with what followed."""
    log = data.log.before(end)
    examples = search_examples(data.searches) + home_examples(log) + similar_examples(log)
    days = examples.requests.days
    return judged_of(examples.select((days >= start) & (days < end)))


def second_window(data: JointData, end: float, share: float) -> float:
    """Where the newest share of the events before `end` begins, days since 1970.

    Raises:
        NothingToLearn: where there is none.
    """
    days = np.concatenate([data.log.wanted.days, data.searches.days])
    days = days[days < end]
    if not len(days):
        raise NothingToLearn("Nothing happened before the date.")
    return float(np.floor(np.quantile(days, 1.0 - share)))


def _systems(options: JointOptions, taught: Judged) -> dict[str, SystemConfig]:
    """The unified one, and those of fewer surfaces, where there is something to teach them."""
    every = tuple(range(len(TASKS)))
    mixes = [
        every,
        *(mix for size in MIXES[options.mixes] for mix in itertools.combinations(every, size)),
    ]
    there = set(taught.requests.tasks.tolist())
    return {
        name_of(mix): SystemConfig(
            unified=options.unified,
            ranker=options.ranker,
            rankers=options.rankers if mix == every else {},
            tasks=mix,
        )
        for mix in mixes
        if mix == every or set(mix) <= there
    }


def name_of(mix: Sequence[int]) -> str:
    """What the system of these surfaces is called."""
    if len(mix) == len(TASKS):
        return UNIFIED
    return f"only-{TASKS[mix[0]]}" if len(mix) == 1 else "+".join(TASKS[task] for task in mix)


def _baselines(prepared: Prepared, judged: Judged) -> dict[str, Ints]:
    log = prepared.data.log
    return {
        name: rank_requests(score, judged.requests, log, RANKED)
        for name, score in Baselines(prepared).by_name().items()
    }


def _learned(name: str, system: Learned, judged: Judged) -> dict[str, Ints]:
    """What a system answers; of the unified one also its parts, and where a request lacks much."""
    requests = judged.requests
    if name != UNIFIED:
        return {name: _ranked(system, requests, system.tasks)}
    towers = system.retriever
    alone = towers.with_weights_of(np.zeros_like(towers.weights))
    nothing = np.zeros(len(requests), np.int64)
    late_reader = replace(system.ranker.reader, stale_days=STALE_DAYS)
    stale = replace(system.ranker, reader=late_reader)
    return {
        **unified_rankings(system, requests),
        "two-tower-no-quality": rank_requests(alone.score, requests, alone.reader.log, RANKED),
        "unified-signed-out": system.ranker.rank(requests.signed_out(), RANKED),
        "unified-no-words": _ranked(system, replace(requests, words=nothing), (SEARCH,)),
        "unified-no-source": _without_source(system, requests),
        STALE: stale.rank(requests, RANKED),
    }


def _without_source(system: Learned, requests: Requests) -> Ints:
    """(R, 100) int64: "more like this" of an item that the model lacks, by its title alone."""
    similar = requests.tasks == SIMILAR
    titles = system.retriever.reader.first_title + requests.sources
    asked = replace(
        requests,
        sources=np.zeros(len(requests), np.int64),
        words=np.where(similar, titles, requests.words),
    )
    # One more, for the source itself, which no rule hides now.
    found = _ranked(system, asked, (SIMILAR,), RANKED + 1)
    order = np.argsort(found == requests.sources[:, None], axis=1, kind="stable")
    return np.take_along_axis(found, order, axis=1)[:, :RANKED]


def unified_rankings(system: Learned, requests: Requests) -> dict[str, Ints]:
    """(R, 100) int64 each: the towers alone, the whole, and further rankers by name."""
    towers = system.retriever
    rankers = {UNIFIED: system.ranker, **system.others}
    return {
        "two-tower": rank_requests(towers.score, requests, towers.reader.log, RANKED),
        **{name: ranker.rank(requests, RANKED) for name, ranker in rankers.items()},
    }


def _ranked(
    system: Learned, requests: Requests, tasks: tuple[int, ...], count: int = RANKED
) -> Ints:
    """(R, count) int64: answers on these surfaces, zeros on others."""
    rows = np.flatnonzero(np.isin(requests.tasks, tasks))
    table = np.zeros((len(requests), count), np.int64)
    table[rows] = system.ranker.rank(requests.select(rows), count)
    return table


def _fields(config: Any) -> dict[str, Any]:
    return {name: getattr(config, name) for name in config.__dataclass_fields__}
