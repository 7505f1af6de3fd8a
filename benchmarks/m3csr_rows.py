"""The rows of M3CSR's table: what is compared, under one budget, and where results are kept."""

import dataclasses
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.m3csr_baselines import TRAINED, FittedBaseline, content_scorer, fit_baseline
from benchmarks.m3csr_data import Films, Queries, queries_between, split_days
from recs.ml.item_content import ItemContent
from recs.ml.item_knn import ItemKnnConfig, fit_item_knn
from recs.ml.m3csr_config import M3csrConfig
from recs.ml.m3csr_fit import Asked, DecayingFitConfig, M3csrFitConfig, fit_m3csr
from recs.ml.m3csr_fitted import Fitted
from recs.ml.m3csr_sides import PersonSide
from recs.ml.metrics import ndcg_at
from recs.ml.popularity_scorer import PopularityScorer
from recs.ml.scorers import Scorer, target_ranks
from recs.ml.semantic_ids import fit_flat, shuffled_codes
from recs.ml.trainer import RunOptions

# Shares of all events: what is learned from begins and ends, validation ends; the rest is the test.
SPLIT = (0.6, 0.8, 0.9)
# Chosen on validation, among nine settings of rate, scale, negatives and hidden share.
NET: Final = M3csrConfig(score_scale=8.0, alpha=0.1, hidden_share=0.2, popular_negatives=0.3)
FIT: Final = DecayingFitConfig(
    epochs=14,
    batch_size=512,
    validate_every=2,
    patience=2,
    learning_rate=1e-3,
    warmup_steps=50,
)
SECONDS = 900.0
# A baseline gets the better of two learning rates on validation.
BASELINE_RATES = (1e-3, 3e-3)
# Each M3CSR row: fields of its network that differ, and its clusters.
ABLATIONS: Final[Mapping[str, dict[str, Any]]] = {
    "m3csr": {},
    "m3csr, no cluster table": {"use_tables": False},
    "m3csr, no dense path": {"use_dense": False},
    "m3csr, random clusters": {"clusters": "shuffled"},
    "m3csr, no gate": {"use_gate": False},
    "m3csr, text only": {"modalities": ("text",)},
    "m3csr, facts only": {"modalities": ("facts",)},
    "m3csr, no decoupling": {"alpha": 0.0},
    "m3csr, content trainable": {"content_trainable": True},
    "m3csr, nothing shown as new": {"hidden_share": 0.0},
    "m3csr, uniform negatives": {"popular_negatives": 0.0},
    "m3csr, people by id": {"people": "id"},
    "m3csr, 100 clusters": {"k": 100},
    "m3csr, 1000 clusters": {"k": 1000},
    "m3csr, 4000 clusters": {"k": 4000},
}
UNTRAINED = ("popularity", "item-knn", "content-knn")
ROWS = (*UNTRAINED, *TRAINED, *ABLATIONS)


@dataclasses.dataclass(frozen=True, slots=True)
class Split:
    """What is learned from, and the two sets of questions."""

    films: Films
    train: Any
    validation: Queries
    test: Queries

    @classmethod
    def of(cls, films: Films) -> "Split":
        """By time: SPLIT."""
        start, middle, late = split_days(films.histories, SPLIT)
        days = films.histories.days
        return cls(
            films,
            films.histories.only((days >= start) & (days < middle)),
            queries_between(films.histories, middle, late),
            queries_between(films.histories, late, np.inf),
        )

    def strata(self, queries: Queries) -> dict[str, np.ndarray]:
        """(U,) bool: targets with no, with 1-10 and with more events in training."""
        counts = self.train.counts(self.films.content.item_count)[queries.targets]
        return {
            "all": counts >= 0,
            "zero": counts == 0,
            "1-10": (counts > 0) & (counts <= 10),
            "warm": counts > 10,
        }


def row_path(folder: Path, name: str, seed: int) -> Path:
    """Where the ranks of a row are kept."""
    return folder / f"{name.replace(' ', '_').replace(',', '')}-{seed}.npz"


def run_row(name: str, seed: int, split: Split, folder: Path) -> Path:
    """Fit one row and keep the ranks of its test targets; a row that is there is not run again."""
    path = row_path(folder, name, seed)
    if path.exists():
        return path
    started = time.process_time()
    scorer, facts = _scorer(name, seed, split)
    ranks = {}
    for part, queries in (("validation", split.validation), ("test", split.test)):
        ranks[part] = target_ranks(scorer(queries), queries.histories, queries.targets)
    facts |= {"name": name, "seed": seed, "cpu_seconds": time.process_time() - started}
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(path, facts=json.dumps(facts), **ranks)
    return path


def fit_row(name: str, seed: int, split: Split) -> Fitted:
    """The M3CSR of a row."""
    change = dict(ABLATIONS[name])
    content = split.films.content
    if "modalities" in change:
        kept = {m: content.vectors[m] for m in change.pop("modalities")}
        content = ItemContent(
            item_count=content.item_count, vectors=kept, attributes=content.attributes
        )
    k, clusters = change.pop("k", None), None
    if change.pop("clusters", None) == "shuffled":
        available = split.train.counts(content.item_count) > 0
        flat = fit_flat(content.vectors, k=k, seed=seed, available=available)
        clusters = shuffled_codes(flat.assign(content.vectors), seed=seed)[:, 0] + 1
    config = M3csrFitConfig(
        net=dataclasses.replace(NET, **change),
        fit=dataclasses.replace(FIT, seed=seed),
        clusters=k,
    )
    return fit_m3csr(
        split.train, content, config, _options(), asked=_asked(split), clusters=clusters
    )


def people_side(fitted: Fitted, queries: Queries) -> PersonSide:
    """What the user tower reads of those who ask."""
    from recs.ml.m3csr_batches import Sides

    return Sides(fitted.graph, fitted.net.config).serving_people(queries.histories, queries.as_of)


def _scorer(name: str, seed: int, split: Split) -> tuple[Any, dict[str, Any]]:
    """A function of queries to a Scorer, and what is known of the fit."""
    items = split.films.content.item_count
    if name in ABLATIONS:
        fitted = fit_row(name, seed, split)
        return lambda q: fitted.scorer(q.histories, q.as_of), _facts(fitted, split)
    if name in TRAINED:
        found = [_baseline(name, seed, rate, split) for rate in BASELINE_RATES]
        best = max(range(len(found)), key=lambda place: found[place][1])
        chosen = found[best][0]
        return lambda q: chosen.scorer(q.histories, q.as_of), {"rate": BASELINE_RATES[best]}
    fixed: dict[str, Scorer] = {
        "popularity": PopularityScorer.of(split.train, items),
    }
    if name == "item-knn":
        fixed[name] = fit_item_knn(split.train, items, ItemKnnConfig())
    if name == "content-knn":
        return lambda q: content_scorer(q.histories, split.films.content), {}
    return lambda q: fixed[name], {}


def _baseline(name: str, seed: int, rate: float, split: Split) -> tuple[FittedBaseline, float]:
    """A baseline with a learning rate, and its NDCG@10 on validation."""
    fit = dataclasses.replace(FIT, seed=seed, learning_rate=rate)
    asked = _asked(split)
    found = fit_baseline(name, split.train, split.films.content, (NET, fit), _options(), asked)
    scorer = found.scorer(asked.histories, asked.scored_at)
    ranks = target_ranks(scorer, asked.histories, asked.targets)
    return found, float(ndcg_at(ranks, 10).mean())


def _facts(fitted: Fitted, split: Split) -> dict[str, Any]:
    """Learning curve, gates, cosine of interests, use of clusters."""
    import torch

    side = people_side(fitted, split.validation)
    with torch.inference_mode():
        interests = fitted.net.people_parts(side).interests
    cosine = (interests[:, 0] * interests[:, -1]).sum(dim=1).abs().mean()
    sizes = np.bincount(fitted.net.clusters.numpy(), minlength=fitted.flat.sizes[0] + 1)[1:]
    assert fitted.report is not None
    return {
        "epochs": len(fitted.report.curve),
        "best_epoch": fitted.report.best_epoch,
        "stopped_by": fitted.report.stopped_by,
        "seconds": fitted.report.seconds,
        "gates": fitted.net.gates().detach().numpy().round(3).tolist(),
        "cosine_of_interests": float(cosine),
        "clusters": len(sizes),
        "empty_clusters": int((sizes == 0).sum()),
        "largest_cluster": int(sizes.max()),
        "median_cluster": int(np.median(sizes)),
    }


def _asked(split: Split) -> Asked:
    validation = split.validation
    return Asked(validation.histories, validation.targets, validation.as_of)


def _options() -> RunOptions:
    return RunOptions(device="cpu", seconds=SECONDS)
