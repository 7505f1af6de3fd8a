"""Each keystroke's suggestions, results with pills, and browsing, beside plain ones in one run.

    .venv/bin/python -m config.embedded exec -- .venv/bin/python -m benchmarks.keystrokes

Titles, names, categories and misspelt titles of the catalog are typed letter by letter and searched
for. What is compared takes turns in one process, without the web server. Searches are logged like a
visitor's.
"""

import argparse
import os

import django


def main() -> None:
    """Ask and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=60, help="how many are typed and searched")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    # Models can be imported only now.
    from benchmarks.keystrokes_report import report

    report(options.texts)


if __name__ == "__main__":
    main()
