"""Many HTTP clients at once, over kept-alive connections; how long each answer took."""

import http.client
import itertools
import statistics
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds of one measurement."""

    count: int
    p50: float
    p95: float
    p99: float
    errors: int = 0
    per_second: float = 0.0

    def cells(self) -> str:
        """As cells of a Markdown table."""
        return f"{self.count} | {self.p50:.1f} | {self.p95:.1f} | {self.p99:.1f}"


def timing(milliseconds: Sequence[float], *, errors: int = 0, seconds: float = 0.0) -> Timing:
    """Percentiles of the measured times (inclusive method; needs at least two)."""
    cuts = statistics.quantiles(milliseconds, n=100, method="inclusive")
    rate = len(milliseconds) / seconds if seconds else 0.0
    return Timing(len(milliseconds), cuts[49], cuts[94], cuts[98], errors, rate)


def run_clients(base_url: str, paths: Sequence[str], *, clients: int, requests: int) -> Timing:
    """Send `requests` GETs in all from `clients` threads, each on its own connection."""
    todo = itertools.islice(itertools.cycle(paths), requests)
    lock, times, errors = threading.Lock(), [], []
    address = urlsplit(base_url)

    def client() -> None:
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
        while True:
            with lock:
                path = next(todo, None)
            if path is None:
                return
            begin = time.perf_counter()
            connection.request("GET", path, headers={"Accept": "application/json"})
            response = connection.getresponse()
            response.read()
            took = (time.perf_counter() - begin) * 1000
            (times if response.status == 200 else errors).append(took)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return timing(times, errors=len(errors), seconds=time.perf_counter() - begin)
