#!/usr/bin/env python
"""Run a management command: `.venv/bin/python manage.py help`.

`manage.py --catalog NAME COMMAND` runs it in another catalog than the main one.
"""

import os
import sys

from django.core.management import execute_from_command_line


def main(arguments: list[str]) -> None:
    """Run what the arguments say, in the catalog that they name."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if arguments[1:2] != ["--catalog"]:
        execute_from_command_line(arguments)
        return
    from config.command_line import run_in_catalog

    run_in_catalog(arguments)


if __name__ == "__main__":
    main(sys.argv)
