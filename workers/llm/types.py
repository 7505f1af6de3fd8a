"""What goes to a language model and what comes back."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, Protocol

# Characters of one text in a prompt: an item of 200,000 characters is cut.
MOST_CHARACTERS = 4_000
# A token is about so many characters of English; only for guesses of what a job would cost.
CHARACTERS_A_TOKEN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A question. `schema`: JSON Schema of the answer; `version`: of its wording.

    With `choices` the answer is {"chosen": [{"text": one of them}, ...]}, best first. A model that
    tells log-probabilities is not asked to write them: they are scored as what follows `lead`.
    """

    purpose: str
    version: str
    system: str
    user: str
    schema: Mapping[str, Any]
    max_tokens: int = 300
    choices: tuple[str, ...] = ()
    lead: str = ""

    def hashed(self, model: str, revision: str) -> str:
        """SHA-256, the same for the same question to the same model."""
        asked = asdict(self)
        if not self.choices:
            # As it was before there were choices: what is known stays known.
            del asked["choices"], asked["lead"]
        told = json.dumps([asked, model, revision], sort_keys=True, default=str)
        return hashlib.sha256(told.encode()).hexdigest()

    @property
    def guessed_tokens(self) -> int:
        """About how many tokens it is, the answer included at its longest."""
        return (len(self.system) + len(self.user)) // CHARACTERS_A_TOKEN + self.max_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What a provider answered, with the tokens that it counted."""

    text: str
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Of a million tokens."""

    input: Decimal = Decimal(0)
    output: Decimal = Decimal(0)

    def of(self, input_tokens: int, output_tokens: int) -> Decimal:
        """What so many tokens cost."""
        return (self.input * input_tokens + self.output * output_tokens) / 1_000_000


class Provider(Protocol):
    """Somebody who completes prompts."""

    @property
    def model(self) -> str:
        """Who answers."""
        ...

    @property
    def revision(self) -> str:
        """Of the weights; "" where nobody says."""
        ...

    @property
    def price(self) -> Price:
        """Of its tokens."""
        ...

    @property
    def concurrency(self) -> int:
        """How many calls at once."""
        ...

    @property
    def is_small(self) -> bool:
        """Too small to write: it is given what to choose from."""
        ...

    def complete(self, prompt: Prompt, *, seconds: float) -> Completion:
        """Ask once.

        Raises:
            Fault: it may work another time.
            LlmError: it will not.
        """
        ...
