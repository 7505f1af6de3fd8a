"""The one door to language models: scrubbed, cached, limited, counted, repaired once.

Whoever asks gets an answer that fits the schema, or an error that says whether to go on.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from catalog.models import Job
from workers.llm import limits
from workers.llm.errors import BadAnswer, Fault, LlmError, OverLimit
from workers.llm.scrubbing import scrubbed
from workers.llm.structured import read
from workers.llm.types import Completion, Prompt, Provider
from workers.models import LlmCall

Outcome = LlmCall.Outcome
ATTEMPTS = 4
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
SECONDS = 120.0
ERROR_CHARACTERS = LlmCall._meta.get_field("error").max_length or 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What fits the schema, and the row of the ledger that it came with."""

    value: Any
    call: LlmCall


@dataclass(slots=True)
class _Spent:
    """What one question used, over all attempts."""

    began: float = field(default_factory=time.monotonic)
    attempts: int = 0
    input_tokens: int = 0
    output_tokens: int = 0

    def add(self, completion: Completion) -> None:
        self.input_tokens += completion.input_tokens
        self.output_tokens += completion.output_tokens


def ask(
    prompt: Prompt,
    *,
    provider: Provider,
    job: Job | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Answer:
    """Ask a language model, or take what it answered to the same question before.

    Each call is one row of the ledger, whatever comes of it.

    Raises:
        OverLimit: nothing was asked.
        BadAnswer: the answer does not fit, also after one repair.
        LlmError: there was none.
    """
    prompt = scrubbed(prompt)
    key = prompt.hashed(provider.model, provider.revision)
    row = LlmCall(
        purpose=prompt.purpose, prompt_version=prompt.version, model=provider.model[:200],
        revision=provider.revision[:64], input_hash=key, job=job,
    )  # fmt: skip
    known = LlmCall.objects.filter(input_hash=key, outcome=Outcome.OK).order_by("pk").first()
    if known is not None:
        row.outcome = Outcome.CACHED
        row.save()
        return Answer(value=known.answer, call=row)
    spent = _Spent()
    try:
        limits.check(prompt.purpose)
        row.answer = _answer(prompt, provider, spent, sleep)
        row.outcome = Outcome.OK
    except LlmError as error:
        row.outcome = _outcome_of(error)
        row.error = error.detail[:ERROR_CHARACTERS]
        raise
    finally:
        # Also where the process is about to end: what was spent was spent.
        row.outcome = row.outcome or Outcome.FAILED
        _write(row, provider, spent)
    return Answer(value=row.answer, call=row)


def is_known(prompt: Prompt, *, provider: Provider) -> bool:
    """Whether this very question was answered before."""
    key = scrubbed(prompt).hashed(provider.model, provider.revision)
    return LlmCall.objects.filter(input_hash=key, outcome=Outcome.OK).exists()


def _answer(
    prompt: Prompt, provider: Provider, spent: _Spent, sleep: Callable[[float], None]
) -> Any:
    completion = _complete(prompt, provider, spent, sleep)
    try:
        return read(completion.text, prompt.schema)
    except BadAnswer as error:
        limits.check(prompt.purpose)
        told = f"{prompt.user}\n\nYour last answer was refused. {error.detail} Answer again."
        return read(_complete(replace(prompt, user=told), provider, spent, sleep).text,
                    prompt.schema)  # fmt: skip


def _complete(
    prompt: Prompt, provider: Provider, spent: _Spent, sleep: Callable[[float], None]
) -> Completion:
    """One answer, with pauses that double between attempts where the fault may pass."""
    pause, left = FIRST_PAUSE_SECONDS, ATTEMPTS
    while True:
        spent.attempts += 1
        left -= 1
        try:
            completion = provider.complete(prompt, seconds=SECONDS)
        except Fault as fault:
            if not left:
                raise
            # Jitter, so that workers that failed together do not come back together.
            sleep(max(fault.after, pause * random.uniform(0.5, 1.0)))  # noqa: S311  no secret
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        else:
            spent.add(completion)
            return completion


def _outcome_of(error: LlmError) -> str:
    if isinstance(error, OverLimit):
        return Outcome.REFUSED
    return Outcome.BAD_ANSWER if isinstance(error, BadAnswer) else Outcome.FAILED


def _write(row: LlmCall, provider: Provider, spent: _Spent) -> None:
    row.attempts = spent.attempts
    row.input_tokens, row.output_tokens = spent.input_tokens, spent.output_tokens
    row.money = provider.price.of(spent.input_tokens, spent.output_tokens)
    row.milliseconds = int(1000 * (time.monotonic() - spent.began))
    row.save()
