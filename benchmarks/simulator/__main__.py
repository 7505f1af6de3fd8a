"""Simulated people search Foray: what recommended queries change, each part taken away in turn.

    FORAY_HOME=/tmp/simulator FORAY_DEMO=none .venv/bin/python -m config.embedded exec -- \
        .venv/bin/python -m benchmarks.simulator --data ../shared/data/films

The home must be new: the database is filled from the folder, and is thrown away with it. Every
number that is printed is simulated. docs/exploration.md says what is assumed.
"""

import argparse
import os
from pathlib import Path

import django
from django.core.management import call_command


def main() -> None:
    """Load, simulate and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="shaped like films/ or lastfm/")
    parser.add_argument("--new-category", default="Horror", help="held out, added at the end")
    parser.add_argument("--items", type=int, default=2000)
    parser.add_argument("--people", type=int, default=150)
    parser.add_argument("--part", choices=["all", "choosing", "reported"], default="all",
                        help="which half of people, by lot")  # fmt: skip
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--more-seeds", type=int, default=2, help="the main pair again")
    parser.add_argument("--days", type=int, default=1,
                        help="after a category came in, each with a seed of its own")  # fmt: skip
    parser.add_argument("--draws", type=int, default=500, help="of people, for the intervals")
    parser.add_argument("--filled", action="store_true",
                        help="the home was filled by a run with the same data, sizes and seed,"
                        " which added no newcomers")  # fmt: skip
    parser.add_argument("--only", choices=["arms", "sensitivity", "newcomers"], nargs="+",
                        default=["arms", "sensitivity", "newcomers"])  # fmt: skip
    parser.add_argument("--arms", nargs="+", default=[], metavar="NAME",
                        help="compare only these, no pills and the whole")  # fmt: skip
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    call_command("migrate", verbosity=0)
    # Models can be imported only now.
    from benchmarks.simulator.histories import Size, read_world
    from benchmarks.simulator.tables import Run

    size = Size(items=options.items, people=options.people, part=options.part)
    world = read_world(
        options.data, new_category=options.new_category, size=size, seed=options.seed
    )
    run = Run(world=world, seed=options.seed, draws=options.draws)
    run.load(is_filled=options.filled)
    if "arms" in options.only:
        run.arms(options.arms)
    if "sensitivity" in options.only:
        run.sensitivity(range(options.seed + 1, options.seed + 1 + options.more_seeds))
    if "newcomers" in options.only:
        run.newcomers(range(options.seed, options.seed + options.days))


if __name__ == "__main__":
    main()
