"""Simulated people are sent lists: what the match filter changes, beside one that drops by lot.

    SECRET_KEY=simulated .venv/bin/python -m benchmarks.match_simulator --data ../shared/data/films

There is no database, nor any service: settings want a key, and whichever will do. Every number that
is printed is simulated, but for what is told of the filter's own test. docs/match-filter.md says
what is assumed.
"""

import argparse
import os
import time
from pathlib import Path

import django


def main() -> None:
    """Learn the filter, simulate and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="shaped like films/")
    parser.add_argument("--vectors", type=Path, help="keeps the encoded texts (.npz)")
    parser.add_argument("--part", choices=["choosing", "reported"], default="reported",
                        help="which half of people is sent lists")  # fmt: skip
    parser.add_argument("--people", type=int, default=1_000, help="of each half at most")
    parser.add_argument("--volume", type=float, default=0.177,
                        help="share left out in the tables of arms and of assumptions")  # fmt: skip
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--draws", type=int, default=500, help="of people, for the intervals")
    parser.add_argument("--only", nargs="+", default=["rated", "open"], choices=["rated", "open"])
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    # Models can be imported only now.
    from benchmarks.match_simulator.config import Assumptions
    from benchmarks.match_simulator.tables import WAYS, Run, some, tell_head
    from benchmarks.match_simulator.teaching import Order, teach
    from benchmarks.match_simulator.world import read_world

    began = time.perf_counter()
    world = read_world(options.data, vectors=options.vectors)
    teachers = some(world, is_reported=False, most=len(world.people))
    heads = [teach(world, teachers, seed=0, flipped=flipped) for flipped in (False, True)]
    tell_head(heads[0])
    print(f"read and learned in {time.perf_counter() - began:.0f} s", flush=True)
    run = Run(
        world=world, order=Order.of(world), heads=heads, assumed=Assumptions(),
        people=options.people, draws=options.draws,
    )  # fmt: skip
    for kind, way in WAYS:
        if kind in options.only:
            run.tell(
                kind, way, is_reported=options.part == "reported", seed=options.seed,
                volume_=options.volume,
            )  # fmt: skip
    print(f"\nin {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
