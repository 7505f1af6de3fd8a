"""Any endpoint that speaks as OpenAI's does: hosted, vLLM, Ollama, llama.cpp's server."""

from typing import Any

import openai

from workers.llm.errors import Fault, KeyRefused, LlmError, ProviderAway, RateLimited, TooSlow
from workers.llm.types import Completion, Price, Prompt

# Waiting longer than this is the next job's business.
LONGEST_WAIT_SECONDS = 120.0


class Endpoint:
    """A model behind a base URL."""

    revision = ""
    is_small = False

    def __init__(
        self, *, base_url: str, model: str, key: str, price: Price, concurrency: int
    ) -> None:
        """`key` may be "" where the endpoint wants none."""
        self.model = model
        self.price = price
        self.concurrency = concurrency
        # Its own retries would be no rows of the ledger: ours are.
        self._client = openai.OpenAI(base_url=base_url, api_key=key or "none", max_retries=0)

    def complete(self, prompt: Prompt, *, seconds: float) -> Completion:
        """One chat completion, by JSON schema where the endpoint can."""
        try:
            answer: Any = self._client.chat.completions.create(
                model=self.model,
                messages=[
                    {"role": "system", "content": prompt.system},
                    {"role": "user", "content": prompt.user},
                ],
                temperature=0,
                max_tokens=prompt.max_tokens,
                response_format={
                    "type": "json_schema",
                    "json_schema": {
                        "name": "answer", "schema": dict(prompt.schema), "strict": True,
                    },
                },
                timeout=seconds,
            )  # fmt: skip
        except openai.OpenAIError as error:
            raise _as_ours(error) from error
        return _read(answer)


def _read(answer: Any) -> Completion:
    """What came back; an endpoint that answers nonsense is one that is away."""
    try:
        text = answer.choices[0].message.content
        usage = answer.usage
        return Completion(
            text=str(text or ""),
            input_tokens=int(usage.prompt_tokens) if usage else 0,
            output_tokens=int(usage.completion_tokens) if usage else 0,
        )
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        raise ProviderAway("The endpoint's answer is no chat completion.") from error


def _as_ours(error: openai.OpenAIError) -> LlmError:
    """The named fault; nothing of the key or of the prompt is told."""
    if isinstance(error, openai.RateLimitError):
        return RateLimited("The endpoint asks to wait.", after=_asked_wait(error))
    if isinstance(error, openai.APIStatusError) and type(error) not in _FAULTS:
        answered = f"The endpoint answered {error.status_code}."
        return ProviderAway(answered) if error.status_code >= 500 else LlmError(answered)
    kind, told = _FAULTS.get(type(error), (Fault, "The endpoint's answer cannot be read."))
    return kind(told)


_REFUSED = (KeyRefused, "The endpoint refuses the key: set LLM_API_KEY to one that it takes.")
_FAULTS: dict[type[openai.OpenAIError], tuple[type[LlmError], str]] = {
    openai.APITimeoutError: (TooSlow, "The endpoint did not answer in time."),
    openai.APIConnectionError: (ProviderAway, "The endpoint cannot be reached."),
    openai.AuthenticationError: _REFUSED,
    openai.PermissionDeniedError: _REFUSED,
}


def _asked_wait(error: openai.APIStatusError) -> float:
    try:
        return min(float(error.response.headers.get("retry-after", 0)), LONGEST_WAIT_SECONDS)
    except ValueError:
        return 0.0
