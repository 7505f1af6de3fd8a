"""Coverage and velocity of M3CSR and its baselines in a closed loop of made-up people."""

import dataclasses
from collections.abc import Callable
from typing import Final

import numpy as np

from benchmarks.m3csr_baselines import content_scorer, fit_baseline
from recs.ml.histories import Histories
from recs.ml.m3csr_config import M3csrConfig
from recs.ml.m3csr_fit import DecayingFitConfig, M3csrFitConfig, fit_m3csr, hold_out_last
from recs.ml.popularity_scorer import PopularityScorer
from recs.ml.simulator import (
    Recommender,
    SimulationReport,
    World,
    WorldConfig,
    make_world,
    simulate,
)
from recs.ml.trainer import RunOptions

THRESHOLDS = (1, 5, 10, 20, 40)
THRESHOLD: Final = 10
# How noisy content is beside its signal, from clean to useless.
NOISES: Final = {"clean": 0.3, "stated": 1.0, "useless": 20.0}
NET: Final = M3csrConfig(embedding_size=32, score_scale=8.0, hidden_share=0.2)
FIT: Final = DecayingFitConfig(
    epochs=8, batch_size=512, learning_rate=0.01, warmup_steps=10, patience=3
)
CPU = RunOptions(device="cpu")
NETS: Final = {
    "m3csr": NET,
    "m3csr, no gate": dataclasses.replace(NET, use_gate=False),
    "m3csr, nothing shown as new": dataclasses.replace(NET, hidden_share=0.0),
}


def run_loops(seeds: list[int], contents: list[str]) -> None:
    """Print a row for each recommender and world."""
    print(f"view threshold {THRESHOLD}; others: {THRESHOLDS}")
    print(
        "| content | recommender | coverage | "
        + " | ".join(f"velocity at {t}" for t in THRESHOLDS)
        + " | views per page |"
    )
    print("|---|---|" + "---|" * (len(THRESHOLDS) + 2))
    for label in contents:
        noise = NOISES[label]
        for name in (*RECOMMENDERS, *NETS):
            reports = [_run(name, noise, seed) for seed in seeds]
            print(f"| {label} | {name} | " + " | ".join(_cells(reports)) + " |", flush=True)


def _run(name: str, noise: float, seed: int) -> SimulationReport:
    world = make_world(WorldConfig(modality_noise={"image": noise, "text": noise}, seed=seed))
    make = RECOMMENDERS.get(name) or (lambda w: _m3csr(w, NETS[name]))
    return simulate(world, make(world))


def _cells(reports: list[SimulationReport]) -> list[str]:
    values = [
        [r.coverage for r in reports],
        *([float(r.velocity(t)) for r in reports] for t in THRESHOLDS),
        [r.views_each for r in reports],
    ]
    return [f"{np.mean(v):.3g} ±{np.std(v, ddof=1) if len(v) > 1 else 0:.2g}" for v in values]


def _popular(world: World) -> Recommender:
    count = world.config.item_count
    return lambda histories, exists, turn: PopularityScorer.of(histories, count).score(
        histories, np.arange(len(histories))
    )


def _by_chance(world: World) -> Recommender:
    return lambda histories, exists, turn: np.random.default_rng([world.config.seed, turn]).random(
        (len(histories), len(exists)), dtype=np.float32
    )


def _content(world: World) -> Recommender:
    return lambda histories, exists, turn: content_scorer(histories, world.content).score(
        histories, np.arange(len(histories))
    )


def _ids(world: World) -> Recommender:
    """Hashed ids, trained anew in each round."""

    def recommend(histories: Histories, exists: np.ndarray, turn: int) -> np.ndarray:
        kept, asked = hold_out_last(histories)
        found = fit_baseline("hashed-id", kept, world.content, (NET, FIT), CPU, asked)
        scorer = found.knowing(histories).scorer(histories, 1.0 + turn)
        return scorer.score(histories, np.arange(len(histories)))

    return recommend


def _m3csr(world: World, net: M3csrConfig) -> Recommender:
    """Trained anew in each round; towers of everything that exists, counts as of now."""
    config = M3csrFitConfig(net=net, fit=FIT)

    def recommend(histories: Histories, exists: np.ndarray, turn: int) -> np.ndarray:
        fitted = fit_m3csr(histories, world.content, config, CPU).knowing(histories)
        scorer = fitted.scorer(histories, 1.0 + turn)
        return scorer.score(histories, np.arange(len(histories)))

    return recommend


RECOMMENDERS: Final[dict[str, Callable[[World], Recommender]]] = {
    "chance": _by_chance,
    "popularity": _popular,
    "content-knn": _content,
    "hashed-id": _ids,
}
