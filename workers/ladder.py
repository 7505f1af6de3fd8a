"""The ladder on a frozen set: rules, nearness, what was learned, and language models, as they are.

What is learned or tuned for it is learned from pairs of other queries or people and of other things
than the set's.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from django.utils import timezone

from recs.frozen_labels import FrozenSet
from recs.ml.errors import NothingToLearn
from recs.ml.match.fitting import MatchConfig
from recs.ml.match.judged import Encode
from recs.ml.match.ladder import (
    BAD,
    GOOD,
    LEARNED,
    RULES,
    Decide,
    Said,
    by_learning,
    by_nearness,
    by_rules,
    rung,
)
from recs.ml.match.ladder_rows import (
    LEAST_FAIR,
    LEAST_GOOD,
    OWNER,
    LadderRows,
    apart,
    ladder_rows,
)
from recs.ml.match.tuned import Tuned, TunedConfig, score_pairs, tune
from recs.ml.relevance.pairs import numbers_of
from recs.models import FrozenLabels
from workers.augmentation.label_forms import FULL
from workers.ladder_models import Asking, said_by
from workers.llm.types import Provider

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
# Added to a labeller's name where it is told for those pairs alone that models were asked of.
OF_ASKED = ", the pairs asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """That a small model is tuned: from which weights, how, and what becomes of it."""

    model_dir: Path
    config: TunedConfig = field(default_factory=TunedConfig)
    keep: Callable[[Tuned, LadderRows], None] = field(default=lambda _tuned, _rows: None)


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderInput:
    """What is run. Of the set, its sure pairs.

    `train`: judged pairs of the same kind to learn from. `forms`: the ways in which each model is
    asked. `most_asked`: pairs for each of them. `most_taught`: pairs that teach the bound of a
    likelihood. `characters`: of an item's text that a model is told. `models_alone`: nothing else
    is run, where the others are known already.
    """

    frozen: FrozenSet
    train: FrozenSet | None
    encode: Encode
    tuning: Tuning | None = None
    providers: Sequence[Provider] = ()
    forms: Sequence[str] = (FULL,)
    most_asked: int = 100
    most_taught: int = 40
    characters: int = 4_000
    models_alone: bool = False
    seed: int = 0
    say: Callable[[str], None] = field(default=lambda _: None)


def run_ladder(given: LadderInput) -> list[dict[str, Any]]:
    """A row of figures for each labeller; kept on the set's row where it has one."""
    pairs = given.frozen.sure
    train = apart(given.train.pairs, pairs, given.frozen.kind) if given.train is not None else []
    bad = np.array([float(pair["grade"]) < LEAST_FAIR for pair in pairs])
    _, groups = numbers_of([str(pair[OWNER[given.frozen.kind]]) for pair in pairs])
    chosen = _drawn(bad, given.most_asked, given.seed)
    rows: list[dict[str, Any]] = []

    def tell(said: Said, name: str, places: Ints) -> None:
        own = replace(said, labeller=name)
        rows.append(rung(own, bad[places], groups[places], seed=given.seed))
        given.say(_line(rows[-1]))

    cheap = [] if given.models_alone else list(_cheap(given, *_read(given, pairs, train)))
    for said in cheap:
        tell(said, said.labeller, np.arange(len(pairs)))
    for said in cheap if len(chosen) < len(pairs) else ():
        tell(_some(said, chosen), said.labeller + OF_ASKED, chosen)
    asked = [pairs[n] for n in chosen.tolist()]
    for provider in given.providers:
        for form in given.forms:
            said = said_by(provider, asked, _asking(given, form, train))
            tell(said, said.labeller, chosen)
    FrozenLabels.objects.filter(sha256=given.frozen.sha256).update(
        ladder=rows, ladder_at=timezone.now()
    )
    return rows


def write_ladder(rows: Sequence[Mapping[str, Any]], frozen: FrozenSet, out: Path) -> None:
    """metrics.json and the same as a table."""
    out.mkdir(parents=True, exist_ok=True)
    # What people wanted is personal data: it stays in the set's own file.
    head = {name: value for name, value in frozen.head.items() if name != "tastes"}
    told = {"set": frozen.sha256, "head": head, "ladder": list(rows)}
    (out / "metrics.json").write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n")
    (out / "ladder.md").write_text(table(rows) + "\n")


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """As Markdown."""
    lines = [
        "| labeller | pairs | precision | recall | F1 | ms p50 / p99 | tokens | errors |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        shares = [
            f"{row[name]['mean']:.2f} ({row[name]['low']:.2f} to {row[name]['high']:.2f})"
            for name in ("precision", "recall", "f1")
        ]
        errors = ", ".join(f"{name} {count}" for name, count in row["errors"].items())
        lines.append(
            f"| {row['labeller']} | {row['pairs']} | {' | '.join(shares)} | "
            f"{row['ms_p50']:g} / {row['ms_p99']:g} | {row['tokens']} | {errors} |"
        )
    return "\n".join(lines)


def _line(row: Mapping[str, Any]) -> str:
    return (
        f"{row['labeller']}: {row['pairs']} pairs, precision {row['precision']['mean']}, recall "
        f"{row['recall']['mean']}, F1 {row['f1']['mean']}, {row['ms_p50']} ms, {row['errors']}"
    )


def _read(
    given: LadderInput, pairs: Sequence[Mapping[str, Any]], train: Sequence[Mapping[str, Any]]
) -> tuple[LadderRows, LadderRows | None, float]:
    """Both kinds of pairs read as one catalog, and the milliseconds of a pair without its vectors.

    Vectors of items and queries are there in a request.
    """
    spent = 0.0

    def encode(texts: Sequence[str]) -> Floats:
        nonlocal spent
        at = time.perf_counter()
        found = given.encode(texts)
        spent += time.perf_counter() - at
        return found

    tastes = {**(given.train.tastes if given.train is not None else {}), **given.frozen.tastes}
    began = time.perf_counter()
    read = ladder_rows(given.frozen.kind, [*pairs, *train], encode, tastes=tastes)
    reading = 1000 * (time.perf_counter() - began - spent) / max(1, len(read))
    places = np.arange(len(read))
    tested = read.take(places[: len(pairs)])
    return tested, read.take(places[len(pairs) :]).taught if train else None, reading


def _cheap(
    given: LadderInput, tested: LadderRows, taught: LadderRows | None, reading: float
) -> Iterator[Said]:
    """The labellers that ask nobody. Their time is that of the whole set, shared out."""

    def said(name: str, decide: Decide, read: float = reading) -> Said:
        # What it learned, it learned before: a labeller's time is that of its answers.
        at = time.perf_counter()
        flagged = decide(tested)
        spent = read + 1000 * (time.perf_counter() - at) / len(tested)
        answers = [BAD if one else GOOD for one in flagged.tolist()]
        return Said(labeller=name, answers=answers, milliseconds=np.full(len(tested), spent))

    yield said(RULES[tested.kind], by_rules)
    if taught is None:
        return
    if len(np.unique(taught.read.bad)) == 2:
        yield said("cosine", by_nearness(taught))
    for name, way in LEARNED.items():
        try:
            yield said(name, by_learning(taught, way, MatchConfig(seed=given.seed)))
        except NothingToLearn as error:
            given.say(f"{name}: {error}")
    if given.tuning is not None:
        tuned, name = _tuned(given.tuning, taught)
        folder = given.tuning.model_dir
        # It reads texts and nearness alone, and reads them itself.
        yield said(name, lambda rows: score_pairs(tuned, rows.read, folder) > tuned.bound, read=0.0)


def _tuned(tuning: Tuning, taught: LadderRows) -> tuple[Tuned, str]:
    tuned = tune(taught.read, tuning.model_dir, tuning.config)
    tuning.keep(tuned, taught)
    return tuned, f"MiniLM tuned on {tuned.taught:,} reviewed pairs"


def _asking(given: LadderInput, form: str, train: Sequence[Mapping[str, Any]]) -> Asking:
    grades = np.array([float(pair["grade"]) for pair in train])
    clear = np.flatnonzero((grades < LEAST_FAIR) | (grades >= LEAST_GOOD))
    teach = clear[_drawn(grades[clear] < LEAST_FAIR, given.most_taught, given.seed)]
    tastes = {**(given.train.tastes if given.train is not None else {}), **given.frozen.tastes}
    return Asking(
        kind=given.frozen.kind, form=form, characters=given.characters, tastes=tastes,
        teach=[train[n] for n in teach.tolist()],
        teach_bad=[bool(grades[n] < LEAST_FAIR) for n in teach.tolist()],
    )  # fmt: skip


def _some(said: Said, places: Ints) -> Said:
    return replace(
        said, answers=[said.answers[n] for n in places.tolist()],
        milliseconds=said.milliseconds[places],
    )  # fmt: skip


def _drawn(bad: Bools, most: int, seed: int) -> Ints:
    """Places of the pairs that models are asked of: at most so many, half of them bad."""
    random = np.random.default_rng(seed)
    parts = [random.permutation(np.flatnonzero(bad == value)) for value in (True, False)]
    half = min(len(parts[0]), most // 2)
    chosen = np.concatenate([parts[0][:half], parts[1][: most - half]])
    return np.sort(chosen).astype(np.int64)
