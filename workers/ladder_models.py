"""What language models say of the pairs of a ladder, each call in the ledger."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from recs.ml.match.ladder import BAD, CANNOT_SAY, GOOD, NO_EVIDENCE, UNREADABLE, Said
from recs.ml.match.ladder_rows import FIT, told_item
from recs.ml.match.read_pairs import best_bound
from workers.augmentation.label_forms import LIKELIHOOD, Told, asked_as, badness, cut
from workers.augmentation.labels import MOST_TITLES, MOST_UNWANTED, supported
from workers.llm.client import Answer, ask
from workers.llm.errors import BadAnswer, LlmError
from workers.llm.types import Provider
from workers.models import LlmCall

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """How models are asked. `form`: of workers.augmentation.label_forms.

    `characters`: of an item's text. `teach`, `bad`: pairs whose grades teach the bound of a
    likelihood. `tastes`: of the people of both, where the pairs are of fit.
    """

    kind: str
    form: str
    characters: int
    tastes: Mapping[str, Any]
    teach: Sequence[Record] = ()
    teach_bad: Sequence[bool] = ()


@dataclass(slots=True)
class _Spent:
    """What the pairs took so far."""

    milliseconds: list[float]
    tokens: int = 0
    money: float = 0.0


def said_by(provider: Provider, pairs: Sequence[Record], asking: Asking) -> Said:
    """What a model says of these pairs: a written grade, or the likelihood of one."""
    spent = _Spent([])
    if asking.form == LIKELIHOOD:
        answers, name = _likely(provider, pairs, asking, spent), f"{provider.model}, likelihood"
    else:
        answers, name = [], provider.model
        for pair in pairs:
            told = _told(pair, asking)
            answer = _asked(provider, told, asking.form, spent)
            if isinstance(answer, Answer):
                answer = _read(answer.value, told.texts)
            answers.append(answer)
    return Said(
        labeller=name, answers=answers, milliseconds=np.array(spent.milliseconds),
        tokens=spent.tokens, money=f"{spent.money:.6f}",
    )  # fmt: skip


def odds_of(provider: Provider, pairs: Sequence[Record], asking: Asking) -> list[float | str]:
    """Of each pair the log-odds of "bad" by likelihood, or in a word why there are none."""
    spent = _Spent([])
    return [_badness(provider, pair, asking, spent) for pair in pairs]


def _likely(
    provider: Provider, pairs: Sequence[Record], asking: Asking, spent: _Spent
) -> list[str]:
    """Bad above the likelihood that gives the best F1 on the pairs that teach."""
    before = _Spent([])
    taught = [_badness(provider, pair, asking, before) for pair in asking.teach]
    known = [(one, bad) for one, bad in zip(taught, asking.teach_bad, strict=True)
             if isinstance(one, float)]  # fmt: skip
    bound = 0.0
    if len({bad for _, bad in known}) == 2:
        bound = best_bound(np.array([one for one, _ in known]), np.array([bad for _, bad in known]))
    spent.tokens, spent.money = before.tokens, before.money
    found = [_badness(provider, pair, asking, spent) for pair in pairs]
    return [one if isinstance(one, str) else (BAD if one > bound else GOOD) for one in found]


def _badness(provider: Provider, pair: Record, asking: Asking, spent: _Spent) -> float | str:
    answer = _asked(provider, _told(pair, asking), LIKELIHOOD, spent)
    return badness(answer.value["chosen"]) if isinstance(answer, Answer) else answer


def _asked(provider: Provider, told: Told, form: str, spent: _Spent) -> Answer | str:
    """The answer, or in a word why there is none."""
    at = time.perf_counter()
    try:
        answer: Answer | str = ask(asked_as(form, told), provider=provider)
    except BadAnswer:
        answer = UNREADABLE
        call = LlmCall.objects.filter(model=provider.model[:200]).order_by("-pk").first()
    except LlmError as error:
        answer, call = error.code, None
    else:
        assert isinstance(answer, Answer)
        call = _first(answer.call)
    spent.milliseconds.append(
        float(call.milliseconds) if call else 1000 * (time.perf_counter() - at)
    )
    spent.tokens += call.input_tokens + call.output_tokens if call else 0
    spent.money += float(call.money) if call else 0.0
    return answer


def _told(pair: Record, asking: Asking) -> Told:
    item = cut(told_item(pair), asking.characters)
    if asking.kind != FIT:
        return Told(kind=asking.kind, item=item, query=str(pair["query"]))
    taste = asking.tastes.get(str(pair["person"]), {})
    return Told(
        kind=asking.kind, item=item,
        wanted=tuple(str(one["title"]) for one in taste.get("wanted", ())[:MOST_TITLES]),
        unwanted=tuple(str(one["title"]) for one in taste.get("unwanted", ())[:MOST_UNWANTED]),
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
