r"""What a small scorer learns from a language model's grades: held against the model and people.

    .venv/bin/python -m config.embedded exec -- .venv/bin/python -m benchmarks.match_distilled \
        --data FILE --out DIR (--packaged | --gguf FILE | --endpoint MODEL@URL) [--taught N]

The model, the teacher, grades pairs of some queries by likelihood, from which the scorer, the
student, learns; then pairs of the other queries, by which the student's AUC is taken twice: against
the teacher, and against the people of the file. The teacher's own AUC and its agreement with people
are the student's ceiling. Beside it stand nearness, and a student of the people's grades of the
same pairs. People's grades of few pairs that neither teach nor are tested set the teacher's bound.
Calls are in the ledger, so that a run that was cut off is taken up where it was.
"""

import argparse
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django
import numpy as np
import numpy.typing as npt
from django.apps import apps

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
if not apps.ready:
    django.setup()

from benchmarks.match_filter import SCHEMA, read_world
from recs.ml.match.fitting import MatchConfig, MatchRows, fit_scorer
from recs.ml.match.judged import JudgedWorld
from recs.ml.match.ladder_rows import RELEVANCE
from recs.ml.match.measures import Judged, auc_interval
from recs.ml.match.read_pairs import best_bound
from recs.ml.match.relevance_features import COSINE
from workers.augmentation.label_forms import LIKELIHOOD
from workers.ladder_models import Asking, odds_of
from workers.llm.endpoint import Endpoint
from workers.llm.gguf import GgufFile, packaged_file
from workers.llm.types import Price, Provider

DoubleFloats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
# Of the queries, the shares whose pairs are tested and set the bound; the rest teach.
TESTED, BOUNDS = 0.35, 0.15
# So many of the taught pairs are drawn among those that are least near, where bad ones are.
FAR, FAR_SHARE = 0.2, 0.5
DRAWS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Places of pairs. `weights`: (len(taught),), how many pairs each taught one stands for."""

    taught: Ints
    weights: DoubleFloats
    bounds: Ints
    tested: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How many pairs of each part."""

    taught: int
    bounds: int
    tested: int


def parts_of(world: JudgedWorld, nearness: DoubleFloats, sizes: Sizes, *, seed: int = 0) -> Parts:
    """Queries by lot into three; of each as many pairs as are wanted, or as there are.

    What is tested and what sets the bound are clear pairs, bad or good to people, half of each.
    What teaches is drawn without a look at any grade.
    """
    random = np.random.default_rng(seed)
    lots = random.permutation(len(world.queries)) / len(world.queries)
    lot = lots[world.query_of]
    grades = np.round(world.pairs.grades)

    def halves(mask: Bools, most: int) -> Ints:
        of_each = [random.permutation(np.flatnonzero(mask & wanted))[: most // 2]
                   for wanted in (grades == 1, grades >= 3)]  # fmt: skip
        return np.sort(np.concatenate(of_each))

    teach = random.permutation(np.flatnonzero(lot >= TESTED + BOUNDS))
    is_far = nearness[teach] <= np.quantile(nearness[teach], FAR)
    far, near = teach[is_far], teach[~is_far]
    some_far = far[: int(FAR_SHARE * sizes.taught)]
    some_near = near[: sizes.taught - len(some_far)]
    stands_for = [
        np.full(len(some), len(of) / max(1, len(some)))
        for some, of in ((some_far, far), (some_near, near))
    ]
    return Parts(
        taught=np.concatenate([some_far, some_near]), weights=np.concatenate(stands_for),
        bounds=halves((lot >= TESTED) & (lot < TESTED + BOUNDS), sizes.bounds),
        tested=halves(lot < TESTED, sizes.tested),
    )  # fmt: skip


def graded_by(
    provider: Provider, world: JudgedWorld, places: Ints, characters: int
) -> DoubleFloats:
    """(N,) the teacher's log-odds of "bad"; NaN where it gave none."""
    pairs = world.pairs
    told = [
        {"query": pairs.queries[n], "title": pairs.titles[n], "description": pairs.descriptions[n]}
        for n in places.tolist()
    ]
    asking = Asking(kind=RELEVANCE, form=LIKELIHOOD, characters=characters, tastes={})
    found = odds_of(provider, told, asking)
    return np.array([one if isinstance(one, float) else np.nan for one in found], np.float64)


def distilled(
    world: JudgedWorld, parts: Parts, odds: dict[str, DoubleFloats], *, seed: int = 0
) -> dict[str, Any]:
    """What the student is worth. `odds`: the teacher's, of each part by its name."""
    features = world.features()
    grades = np.round(world.pairs.grades)
    bad, clear = grades == 1, (grades == 1) | (grades >= 3)
    known = ~np.isnan(odds["bounds"])
    bound = best_bound(odds["bounds"][known], bad[parts.bounds][known])
    answered = ~np.isnan(odds["taught"])
    by_teacher = MatchRows(
        features=features[parts.taught][answered], bad=odds["taught"][answered] > bound,
        groups=world.query_of[parts.taught][answered], weights=parts.weights[answered],
    )  # fmt: skip
    judged = clear[parts.taught]
    by_people = MatchRows(
        features=features[parts.taught][judged], bad=bad[parts.taught][judged],
        groups=world.query_of[parts.taught][judged], weights=parts.weights[judged],
    )  # fmt: skip
    told = ~np.isnan(odds["tested"])
    tested = parts.tested[told]
    said = odds["tested"][told]
    config = MatchConfig(seed=seed)
    student = fit_scorer(by_teacher, SCHEMA, config)
    scores = {
        "student of the model": student.scorer.raw(features[tested]),
        "student of people, same pairs": fit_scorer(by_people, SCHEMA, config).scorer.raw(
            features[tested]
        ),
        "nearness": -features[tested, COSINE].astype(np.float64),
        "the model itself": said,
    }
    people = _judged(bad[tested], world.query_of[tested])
    model = _judged(said > bound, world.query_of[tested])
    rows = {
        name: {
            "against people": _told(one, people),
            # What the teacher's own odds say of its own grades is 1, and says nothing.
            "against the model": None if one is said else _told(one, model),
        }
        for name, one in scores.items()
    }
    return {
        "bound": bound, "way": student.way, "systems": rows,
        "pairs": {"taught": len(by_teacher), "taught, clear": len(by_people),
                  "bounds": int(known.sum()), "tested": len(tested)},
        "called bad": {"by the model, taught": int(by_teacher.bad.sum()),
                       "by people, taught": int(by_people.bad.sum()),
                       "by the model, tested": int(model.bad.sum()),
                       "by people, tested": int(people.bad.sum())},
        "agreement": agreement(said > bound, people, seed=seed),
        "agreement, taught": agreement(
            odds["taught"][judged & answered] > bound,
            _judged(bad[parts.taught][judged & answered],
                    world.query_of[parts.taught][judged & answered]),
            seed=seed,
        ),
    }  # fmt: skip


def agreement(said: Bools, people: Judged, *, seed: int = 0) -> dict[str, Any]:
    """The share of pairs on which the model says what people do, and Cohen's kappa, 95 %."""

    def measured(rows: Ints) -> tuple[float, float]:
        one, two = said[rows], people.bad[rows]
        same = float((one == two).mean())
        by_chance = float(one.mean() * two.mean() + (1 - one.mean()) * (1 - two.mean()))
        return same, (same - by_chance) / max(1e-9, 1 - by_chance)

    random = np.random.default_rng(seed)
    places = [np.flatnonzero(people.groups == one) for one in np.unique(people.groups)]
    draws = np.array([
        measured(np.concatenate([places[n] for n in random.integers(0, len(places), len(places))]))
        for _ in range(DRAWS)
    ])  # fmt: skip
    low, high = np.quantile(draws, [0.025, 0.975], axis=0)
    mean = measured(np.arange(len(said)))
    return {
        name: [round(float(one[n]), 4) for one in (mean, low, high)]
        for n, name in enumerate(("same", "kappa"))
    }


def _judged(bad: Bools, groups: Ints) -> Judged:
    return Judged(bad=bad, good=~bad, groups=groups, weights=np.ones(len(bad)))


def _told(scores: DoubleFloats, judged: Judged) -> list[float]:
    found = auc_interval(scores, judged)
    return [round(found.mean, 4), round(found.low, 4), round(found.high, 4)]


def main() -> None:
    """Ask what was not asked yet, learn, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="judged pairs, a CSV")
    parser.add_argument("--vectors", type=Path, help="where vectors are kept (.npz)")
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.add_mutually_exclusive_group(required=True)
    asked.add_argument("--packaged", action="store_true")
    asked.add_argument("--gguf", type=Path)
    asked.add_argument("--endpoint", metavar="MODEL@URL")
    parser.add_argument("--taught", type=int, default=600)
    parser.add_argument("--bounds", type=int, default=40)
    parser.add_argument("--tested", type=int, default=300)
    parser.add_argument("--characters", type=int, default=300, help="of an item, for the model")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    world = read_world(options.data, options.vectors)
    nearness = world.features()[:, COSINE].astype(np.float64)
    sizes = Sizes(taught=options.taught, bounds=options.bounds, tested=options.tested)
    parts = parts_of(world, nearness, sizes, seed=options.seed)
    provider = _provider(options)
    odds = {}
    for name in ("bounds", "tested", "taught"):
        places = getattr(parts, name)
        odds[name] = graded_by(provider, world, places, options.characters)
        print(f"{name}: {len(places)} pairs, {int(np.isnan(odds[name]).sum())} without an answer",
              flush=True)  # fmt: skip
    told = {"model": provider.model, **distilled(world, parts, odds, seed=options.seed)}
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "metrics.json").write_text(json.dumps(told, indent=1) + "\n")
    print(json.dumps(told, indent=1))


def _provider(options: argparse.Namespace) -> Provider:
    if options.endpoint:
        model, _, url = options.endpoint.partition("@")
        return Endpoint(base_url=url, model=model, key="", concurrency=1, price=Price())
    return GgufFile(packaged_file() if options.packaged else options.gguf.expanduser())


if __name__ == "__main__":
    main()
