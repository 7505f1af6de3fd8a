"""Recall, time, size and building time of indexes of the unified vectors: exact and approximate.

    .venv/bin/python -m config.embedded exec -- .venv/bin/python -m benchmarks.unified_index
    ... -m benchmarks.unified_index --items 1000000 --asks 200

Needs a live version of the unified model (`manage.py retrain --kind unified`). Its items are padded
to --items: each further one is a real one with noise, which the table says. Asked is what home,
search and "more like this" would ask for people of the log. Everything is made in temporary tables
of one session, with one worker.
"""

import argparse
import os

import django


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--asks", type=int, default=200)
    parser.add_argument("--only", nargs="+", help="kinds beside exact search, such as hnsw")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    # Models can be imported only now.
    from benchmarks.index_frontier import KINDS, measure, padded
    from benchmarks.unified_asks import read_asks, read_items

    if unknown := set(options.only or ()) - {kind.name for kind in KINDS}:
        parser.error(f"No kind is called {', '.join(sorted(unknown))}.")
    items = read_items()
    asks = read_asks(options.asks)
    print(f"{len(items)} items of the version, {len(asks)} requests, {items.shape[1]} dimensions")
    kinds = [kind for kind in KINDS if not options.only or kind.name in options.only]
    measure(padded(items, options.items, seed=0), asks, kinds)


if __name__ == "__main__":
    main()
