"""What written queries add to recall@50, beside what code alone adds, for what they cost.

    .venv/bin/python -m benchmarks.written_recall --data ../shared/data/relevance
    .venv/bin/python -m benchmarks.written_recall --data ../shared/data/films --items 40

The folder's items become a catalog in a database of the benchmark's own, which is thrown away
unless --home keeps it. The product's own job has a language model write for --items of them (none
by default), and everything that was written is in place before one judged query is read. Without
people to review: what the model proposed is accepted where it passes the screen and the live
search finds its item among the first ten; all that passes the screen is told beside it. Every
difference is paired by query, over all items, with 95 % when queries are drawn anew.
"""

import argparse
import os
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.written_recall.services import INSIDE, run_inside

SINCE = "2012-07-01"


def main() -> int:
    """Begin the services, and measure inside them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="like films/ or relevance/")
    parser.add_argument("--items", type=int, default=0, help="that a model writes for")
    parser.add_argument("--seed", type=int, default=0, help="of the items, and of all lots")
    parser.add_argument("--kinds", choices=["queries", "facts"], nargs="+", default=["queries"])
    parser.add_argument("--gguf", default="", help="a model in a file, in place of the settings'")
    parser.add_argument("--writes", choices=["", "open", "closed"], default="",
                        help="in its own words, or choosing; else as LLM_WRITES says")  # fmt: skip
    parser.add_argument("--since", default=SINCE,
                        help="of films: ratings before, tags from this date on")  # fmt: skip
    parser.add_argument("--no-nulls", action="store_true",
                        help="only what a model wrote, not what code alone writes")  # fmt: skip
    parser.add_argument("--no-vectors", action="store_true", help="by words alone: no fusion")
    parser.add_argument("--words-read", type=int, default=0, metavar="N",
                        help="encode the first N words of each item, not all")  # fmt: skip
    parser.add_argument("--home", type=Path, help="kept, so that nothing is asked twice")
    options = parser.parse_args()
    if INSIDE not in os.environ:
        data = str(options.data.resolve())
        if options.home:
            return run_inside(options.home.resolve(), sys.argv[1:], made_from=data)
        with tempfile.TemporaryDirectory(prefix="written-recall-") as folder:
            return run_inside(Path(folder), sys.argv[1:], made_from=data)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    # Models can be imported only now.
    from benchmarks.written_recall.run import Options, run

    run(
        Options(
            data=options.data.resolve(), items=options.items, seed=options.seed,
            kinds=options.kinds, gguf=options.gguf, writes=options.writes,
            vectors=not options.no_vectors, nulls=not options.no_nulls,
            words_read=options.words_read,
            since=datetime.fromisoformat(options.since).replace(tzinfo=UTC),
        )
    )  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
