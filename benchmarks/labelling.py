"""How many pairs a second are labelled with more calls at once, and whether the ledger adds up.

    FORAY_HOME=/tmp/labelling FORAY_DEMO=none .venv/bin/python -m config.embedded exec -- \
        .venv/bin/python -m benchmarks.labelling [--workers 1 2 4] [--latency 0.5]
        [--endpoint MODEL@URL] [--pairs N]

In a home of its own, which it fills. Without --endpoint a server in this process answers every call
after the same time, so that what is measured is the machinery: drawing pairs, prompts, ledger,
labels. With one, each call goes on to it through a counter that adds up what the endpoint says it
used. Workers are calls at once of one job (LLM_CONCURRENCY). Either way the ledger must hold
exactly the calls and tokens that were counted outside of it, or the run fails.
"""

import argparse
import json
import os
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import django

QUERIES, ITEMS = 20, 40
SECONDS = 600.0


@dataclass(slots=True)
class Counted:
    """What passed the counter: calls, and tokens as the provider tells them."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    at_once: int = 0
    most_at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def tokens(self) -> int:
        """Given and made."""
        return self.input_tokens + self.output_tokens

    def add(self, usage: dict[str, int]) -> None:
        """One call's; of a call that failed there is no usage."""
        with self.lock:
            self.calls += 1
            self.input_tokens += int(usage.get("prompt_tokens", 0))
            self.output_tokens += int(usage.get("completion_tokens", 0))


@contextmanager
def counter(counted: Counted, *, latency: float, upstream: str = "") -> Iterator[str]:
    """A server, by its address: it answers after `latency`, or asks `upstream`, and counts."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def do_POST(self) -> None:
            """One call."""
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with counted.lock:
                counted.at_once += 1
                counted.most_at_once = max(counted.most_at_once, counted.at_once)
            try:
                status, raw = asked(upstream, body) if upstream else (200, made(body, latency))
            finally:
                with counted.lock:
                    counted.at_once -= 1
            counted.add(json.loads(raw).get("usage") or {} if status == 200 else {})
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()


def made(body: bytes, latency: float) -> bytes:
    """An answer after a fixed time, whose usage goes by the lengths of the texts."""
    time.sleep(latency)
    told = json.loads(body)
    user = told["messages"][-1]["content"]
    words = user.rsplit("<<", 1)[1].split()
    grade = len(user) % 4
    answer = {
        "evidence": [words[0].rstrip(">.,")], "reason": "It says so.", "grade": grade,
        "confidence": 90, "cannot_say": False,
    }  # fmt: skip
    text = json.dumps(answer)
    usage = {
        "prompt_tokens": sum(len(one["content"]) for one in told["messages"]),
        "completion_tokens": len(text) // 4 + grade,
    }
    usage["total_tokens"] = sum(usage.values())
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    return json.dumps(
        {
            "id": "x", "object": "chat.completion", "created": 0, "model": told["model"],
            "choices": [choice], "usage": usage,
        }
    ).encode()  # fmt: skip


def asked(upstream: str, body: bytes) -> tuple[int, bytes]:
    """What the endpoint says."""
    request = urllib.request.Request(
        f"{upstream}/chat/completions", body, {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def fill() -> None:
    """Items, and a log in which all of them were shown for each query; once in a home."""
    from uuid import uuid4

    from django.utils import timezone

    from catalog.items import upsert_items
    from catalog.models import Answer, Item
    from catalog.types import ItemInput

    if Answer.objects.exists():
        return
    upsert_items(
        items=[
            ItemInput(external_id=f"thing-{n}", title=f"Thing of kind {n}",
                      description=f"It is number {n} of them, and made of wood and steel.")
            for n in range(ITEMS)
        ]
    )  # fmt: skip
    keys = list(Item.objects.order_by("pk").values_list("pk", flat=True))
    for n in range(QUERIES):
        query = f"wooden thing {n}"
        Answer.objects.create(
            query_id=uuid4(), time=timezone.now(), kind="search", surface="search", query=query,
            normalized_query=query, total=len(keys), dropped=[],
            hits=[{"position": place, "item": key} for place, key in enumerate(keys, start=1)],
        )  # fmt: skip


def labelled(workers: int, pairs: int, model: str, url: str, run: str) -> float:
    """Have pairs labelled with so many calls at once; the seconds that it took."""
    from django.conf import settings

    from workers.augmentation.labels import label_pairs

    settings.LLM_BASE_URL, settings.LLM_MODEL, settings.LLM_PRICE = url, f"{model}-{run}", ""
    settings.LLM_API_KEY, settings.LLM_CONCURRENCY = "", workers
    began = time.perf_counter()
    # Others than the last time: an endpoint may remember what it has just read.
    label_pairs(pairs=pairs, seed=workers)
    return time.perf_counter() - began


def check(counted: Counted, model: str) -> tuple[int, int]:
    """Calls and tokens of a model in the ledger.

    Raises:
        SystemExit: where they are not those that were counted outside of it.
    """
    from workers.llm.ledger import used
    from workers.models import LlmCall

    rows = LlmCall.objects.filter(model=model)
    spent = used(rows)
    attempts = sum(rows.values_list("attempts", flat=True))
    if (attempts, spent.tokens) != (counted.calls, counted.tokens):
        raise SystemExit(
            f"The ledger has {attempts} calls and {spent.tokens:,} tokens of {model}; the provider "
            f"counted {counted.calls} and {counted.tokens:,}."
        )
    return spent.calls, spent.tokens


def main() -> None:
    """Label with each number of workers, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--latency", type=float, default=0.5, help="seconds, of the own server")
    parser.add_argument("--endpoint", default="", metavar="MODEL@URL")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    fill()
    model, _, upstream = options.endpoint.partition("@")
    # A run of its own in the ledger, or what was asked before would be known.
    stamp = f"{int(time.time())}"
    print("| calls at once | pairs | seconds | pairs a second | beside the first | most at once | "
          "tokens, ledger = provider |\n|---|---|---|---|---|---|---|")  # fmt: skip
    first = 0.0
    # Once before: what is loaded at the first job is no worker's time.
    with counter(Counted(), latency=0.0) as url:
        labelled(1, 1, "warm", url, stamp)
    for workers in options.workers:
        counted, run = Counted(), f"{stamp}-{workers}"
        with counter(counted, latency=options.latency, upstream=upstream) as url:
            seconds = labelled(workers, options.pairs, model or "stub", url, run)
        calls, tokens = check(counted, f"{model or 'stub'}-{run}")
        rate = calls / seconds
        first = first or rate
        print(f"| {workers} | {calls} | {seconds:.1f} | {rate:.2f} | {rate / first:.2f} x | "
              f"{counted.most_at_once} | {tokens:,} |")  # fmt: skip
        sys.stdout.flush()


if __name__ == "__main__":
    main()
