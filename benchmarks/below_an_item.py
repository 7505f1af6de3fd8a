"""What may be candidates below an item: NDCG@10 of what was chosen next, each way beside the first.

    .venv/bin/python -m config.embedded exec -- .venv/bin/python -m benchmarks.below_an_item
    ... -m benchmarks.below_an_item --show tt0078748 tt0034583 --people 112 200

Asks the live version of the unified model, through the code that answers, what its gate asked:
requests below an item in the part of the log that it did not learn from. What people wanted with an
item is as of then. Nothing is trained; the version's ranker orders the candidates. `--show`: the
first of each list of today, below these items, for these people.
"""

import argparse
import os

import django


def main() -> None:
    """Ask and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--show", nargs="+", default=[], metavar="ITEM", help="external IDs")
    parser.add_argument("--people", nargs="+", default=[], metavar="PERSON", help="external IDs")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    # Models can be imported only now.
    from benchmarks.below_an_item_report import report, show

    if options.show:
        show(options.show, options.people)
    else:
        report()


if __name__ == "__main__":
    main()
