"""A real HTTP server that speaks as an endpoint does and misbehaves when told to, and items."""

import json
import threading
import time
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.utils import timezone

from catalog.items import upsert_items
from catalog.models import Item
from catalog.types import ItemInput
from recs.models import CodeName, ItemCode, ModelVersion
from workers.llm.endpoint import Endpoint
from workers.llm.providers import read_price

GOOD = json.dumps(
    {"queries": [{"descriptor": "mood", "text": "quiet lives by water", "evidence": "by the sea"}]}
)


class Served:
    """What the server says next; with nothing queued it answers `text`."""

    def __init__(self):
        self.text = GOOD
        self.next = deque()
        self.asked = []
        self.lock = threading.Condition()
        self.at_once = self.most_at_once = 0
        self.pause = 0.0
        # No call is answered before so many were there at once, or ten seconds have passed.
        self.gather = 0
        self.url = ""

    def endpoint(self, *, price="1/2", concurrency=1, key="secret-key"):
        return Endpoint(
            base_url=self.url, model="tiny", key=key, price=read_price(price),
            concurrency=concurrency,
        )  # fmt: skip


@pytest.fixture
def served():
    told = Served()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with told.lock:
                told.asked.append(json.loads(body) | {"key": self.headers["Authorization"]})
                status, text, headers = told.next.popleft() if told.next else (200, None, {})
                told.at_once += 1
                told.most_at_once = max(told.most_at_once, told.at_once)
                told.lock.notify_all()
                told.lock.wait_for(lambda: told.most_at_once >= told.gather, timeout=10)
            time.sleep(told.pause)
            with told.lock:
                told.at_once -= 1
            answer = {
                "id": "x", "object": "chat.completion", "created": 0, "model": "tiny",
                "choices": [{"index": 0, "finish_reason": "stop",
                             "message": {"role": "assistant",
                                         "content": told.text if text is None else text}}],
                "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
            }  # fmt: skip
            raw = text.encode() if status != 200 and text else json.dumps(answer).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    told.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    yield told
    server.shutdown()
    server.server_close()


@pytest.fixture
def no_waiting():
    """Where pauses between attempts are noted instead of waited for."""
    return []


@pytest.fixture
def make_items():
    def make(count=3, **more):
        upsert_items(
            items=[
                ItemInput(
                    external_id=str(n), title=f"Lighthouse number {n}",
                    description="A keeper and his daughter live by the sea and wait for a ship.",
                    category_paths=["Drama"], year=1950 + n, **more,
                )
                for n in range(count)
            ]
        )  # fmt: skip
        return list(Item.objects.order_by("pk"))

    return make


@pytest.fixture
def make_kind():
    """A kind of four films with a derived name."""

    def make(*, name, description, year=None):
        upsert_items(
            items=[
                ItemInput(
                    external_id=str(n), title=f"Lighthouse Nights {n}", category_paths=["Drama"],
                    creators=["Ada Lantern"], year=year, description=description,
                )
                for n in range(4)
            ]
        )  # fmt: skip
        version = ModelVersion.objects.create(
            kind=ModelVersion.Kind.SEMANTIC_IDS, name="c1", state="live", as_of=timezone.now(),
            manifest_sha256="a" * 64, promoted_at=timezone.now(),
        )  # fmt: skip
        for n, item in enumerate(Item.objects.order_by("pk")):
            ItemCode.objects.create(
                item=item, version=version, flat=n, codes=[1, n], path=f"001.00{n}", input_hash="x"
            )
        return CodeName.objects.create(version=version, path="001", name=name)

    return make


@pytest.fixture
def asks(settings, served):
    """The served endpoint is the installation's language model."""
    settings.LLM_BASE_URL, settings.LLM_MODEL, settings.LLM_API_KEY = served.url, "tiny", "k"
    settings.LLM_PRICE, settings.LLM_CONCURRENCY = "1/2", 1
    return served
