"""What the unified model adds to an answer of each surface: latency with it and without, in turn.

    .venv/bin/python -m config.embedded exec -- .venv/bin/python -m benchmarks.unified_serving

Needs a live unified version. Engines take turns in one process, without the web server; each
surface's switch is put back afterwards. Every answer is logged like a visitor's.
"""

import argparse
import os

import django


def main() -> None:
    """Ask and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=200)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    # Models can be imported only now.
    from benchmarks.unified_serving_report import report

    report(options.requests)


if __name__ == "__main__":
    main()
