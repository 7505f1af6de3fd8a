"""The ladder on a frozen set: rules, nearness, what was learned, and language models, as they are.

What is learned for it is learned from pairs of other queries and other things than the set's.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from django.utils import timezone

from recs.frozen_labels import FrozenSet
from recs.ml.match.fitting import MatchConfig, MatchRows
from recs.ml.match.judged import Encode, judged_world
from recs.ml.match.ladder import (
    BAD,
    CANNOT_SAY,
    GOOD,
    LEARNED,
    NO_EVIDENCE,
    UNREADABLE,
    Decide,
    Said,
    by_cosine,
    by_learning,
    by_rules,
    rung,
)
from recs.ml.relevance.pairs import Pairs
from recs.models import FrozenLabels
from workers.augmentation.labels import RELEVANCE, prompt_for, supported
from workers.llm.client import ask
from workers.llm.errors import BadAnswer, LlmError
from workers.llm.types import Provider
from workers.models import LlmCall

Bools = npt.NDArray[np.bool_]
PURPOSE = "ladder"


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderInput:
    """What is run. `pairs`: of the set, the sure ones. `most_asked`: of them for each model."""

    frozen: FrozenSet
    train: Pairs | None
    encode: Encode
    providers: Sequence[Provider] = ()
    most_asked: int = 100
    seed: int = 0
    say: Callable[[str], None] = field(default=lambda _: None)


def run_ladder(given: LadderInput) -> list[dict[str, Any]]:
    """A row of figures for each labeller; kept on the set's row where it has one."""
    pairs = given.frozen.sure
    bad = np.array([pair["grade"] < 0.5 for pair in pairs])
    groups = _groups([str(pair["query"]) for pair in pairs])
    rows = []
    for said in _cheap(given, pairs):
        rows.append(rung(said, bad, groups, seed=given.seed))
        given.say(_line(rows[-1]))
    chosen = _drawn(bad, given.most_asked, given.seed)
    for provider in given.providers:
        said = _asked(provider, [pairs[n] for n in chosen.tolist()])
        rows.append(rung(said, bad[chosen], groups[chosen], seed=given.seed))
        given.say(_line(rows[-1]))
    FrozenLabels.objects.filter(sha256=given.frozen.sha256).update(
        ladder=rows, ladder_at=timezone.now()
    )
    return rows


def write_ladder(rows: Sequence[Mapping[str, Any]], frozen: FrozenSet, out: Path) -> None:
    """metrics.json and the same as a table."""
    out.mkdir(parents=True, exist_ok=True)
    told = {"set": frozen.sha256, "head": dict(frozen.head), "ladder": list(rows)}
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


def _cheap(given: LadderInput, pairs: Sequence[Mapping[str, Any]]) -> Iterator[Said]:
    """The labellers that ask nobody. Their time is that of the whole set, shared out."""
    tested = _as_pairs(pairs)
    taught = _apart(given.train, tested) if given.train is not None else None
    joined = tested if taught is None else tested.joined(taught)
    world = judged_world(joined, given.encode)
    began = time.perf_counter()
    features = world.features()
    reading = 1000 * (time.perf_counter() - began) / max(1, len(joined))
    own, others = features[: len(tested)], features[len(tested) :]

    def said(name: str, decide: Decide) -> Said:
        # What it learned, it learned before: a labeller's time is that of its answers.
        at = time.perf_counter()
        flagged = decide(own)
        spent = reading + 1000 * (time.perf_counter() - at) / len(tested)
        answers = [BAD if one else GOOD for one in flagged.tolist()]
        return Said(labeller=name, answers=answers, milliseconds=np.full(len(tested), spent))

    yield said("rules (half of the words)", by_rules)
    if taught is None:
        return
    grades = np.round(taught.grades)
    clear = grades != 2
    rows = MatchRows(
        features=others[clear], bad=grades[clear] == 1, groups=world.query_of[len(tested) :][clear],
        weights=np.ones(int(clear.sum())),
    )  # fmt: skip
    yield said("cosine", by_cosine(rows))
    for name, way in LEARNED.items():
        yield said(name, by_learning(rows, way, MatchConfig(seed=given.seed)))


def _asked(provider: Provider, pairs: Sequence[Mapping[str, Any]]) -> Said:
    """What a language model says, each call in the ledger."""
    answers, spent, tokens, money = [], [], 0, 0.0
    for pair in pairs:
        item = f"{pair['title']}. {pair.get('description', '')}"
        prompt = prompt_for(RELEVANCE, item, query=str(pair["query"]))
        at = time.perf_counter()
        try:
            answer = ask(prompt, provider=provider)
        except BadAnswer:
            answers.append(UNREADABLE)
            call = LlmCall.objects.filter(model=provider.model[:200]).order_by("-pk").first()
        except LlmError as error:
            answers.append(error.code)
            call = None
        else:
            answers.append(_read(answer.value, (item, str(pair["query"]))))
            call = _first(answer.call)
        spent.append(float(call.milliseconds) if call else 1000 * (time.perf_counter() - at))
        tokens += call.input_tokens + call.output_tokens if call else 0
        money += float(call.money) if call else 0.0
    return Said(
        labeller=provider.model, answers=answers, milliseconds=np.array(spent), tokens=tokens,
        money=f"{money:.6f}",
    )  # fmt: skip


def _read(value: Mapping[str, Any], texts: Sequence[str]) -> str:
    if value["cannot_say"]:
        return CANNOT_SAY
    if not supported(value["evidence"], texts):
        return NO_EVIDENCE
    return BAD if value["grade"] == 0 else GOOD


def _first(call: LlmCall) -> LlmCall:
    """The call that was really made, where this one was answered from the ledger."""
    if call.outcome != LlmCall.Outcome.CACHED:
        return call
    made = LlmCall.objects.filter(input_hash=call.input_hash, outcome=LlmCall.Outcome.OK)
    return made.order_by("pk").first() or call


def _as_pairs(pairs: Sequence[Mapping[str, Any]]) -> Pairs:
    return Pairs(
        ids=tuple(f"set {n}" for n in range(len(pairs))),
        queries=tuple(str(pair["query"]) for pair in pairs),
        titles=tuple(str(pair["title"]) for pair in pairs),
        descriptions=tuple(str(pair.get("description", "")) for pair in pairs),
        grades=np.array([float(pair["grade"]) + 1 for pair in pairs], np.float32),
        variances=np.zeros(len(pairs), np.float32),
    )


def _apart(train: Pairs, tested: Pairs) -> Pairs:
    """Pairs of other queries and other things."""
    queries, titles = set(tested.queries), set(tested.titles)
    rows = [
        n for n in range(len(train))
        if train.queries[n] not in queries and train.titles[n] not in titles
    ]  # fmt: skip
    return train.select(np.array(rows, np.int64))


def _groups(names: Sequence[str]) -> npt.NDArray[np.int64]:
    _, groups = np.unique(np.array(names, dtype=object), return_inverse=True)
    return groups.reshape(-1).astype(np.int64)


def _drawn(bad: Bools, most: int, seed: int) -> npt.NDArray[np.int64]:
    """Places of the pairs that models are asked of: at most so many, half of them bad."""
    random = np.random.default_rng(seed)
    parts = [random.permutation(np.flatnonzero(bad == value)) for value in (True, False)]
    half = min(len(parts[0]), most // 2)
    chosen = np.concatenate([parts[0][:half], parts[1][: most - half]])
    return np.sort(chosen).astype(np.int64)
