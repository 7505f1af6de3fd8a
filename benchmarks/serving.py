"""What the user model adds to an answer of the home page: latency as a ratio, and lists compared.

    .venv/bin/python -m config.embedded exec -- .venv/bin/python -m benchmarks.serving

Needs a live version of the user model (`manage.py retrain`). Each person is asked for once with the
live version and once as if there were none, in turn, in one process without the web server; then
the served list is compared with the version's ranking of the whole catalogue.
"""

import argparse
import os

import django


def main() -> None:
    """Ask and print two tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=100)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    # Models can be imported only now.
    from benchmarks.serving_reports import report

    report(options.people)


if __name__ == "__main__":
    main()
