"""A GGUF file behind an address that speaks as OpenAI's does: the runner as somebody's endpoint.

    .venv/bin/python -m benchmarks.serve_gguf --gguf FILE --port 8089 [--parallel 2] [--threads 1]

A process of its own, as an endpoint is; Ctrl-C ends it. For measurements: the product itself runs a
file inside its workers (LLM_GGUF), or asks an endpoint that somebody else keeps.
"""

import argparse
import threading
from pathlib import Path

import xllamacpp

# Of each question, as the product reads a file (workers.llm.gguf).
CONTEXT_TOKENS = 4096


def main() -> None:
    """Serve until it is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gguf", type=Path, required=True)
    parser.add_argument("--port", type=int, default=8089)
    parser.add_argument("--parallel", type=int, default=1, help="questions at once")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    params = xllamacpp.CommonParams()
    params.model.path = str(options.gguf)
    params.port = options.port
    params.n_parallel = options.parallel
    params.n_ctx = CONTEXT_TOKENS * options.parallel
    params.warmup = False
    params.verbosity = 2
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = options.threads
    server = xllamacpp.Server(params)
    print(f"{server.listening_address}/v1", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
