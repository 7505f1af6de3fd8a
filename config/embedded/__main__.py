"""`python -m config.embedded run` and `python -m config.embedded exec -- CMD ...`."""

import os
import sys

from config.embedded.errors import EmbeddedError
from config.embedded.exec import execute
from config.embedded.run import run

USAGE = """\
Usage:
  python -m config.embedded run            start Foray; Ctrl-C stops everything
  python -m config.embedded exec -- CMD    run CMD with PostgreSQL and Valkey at hand
"""
CANNOT_START = 2


def main(arguments: list[str]) -> int:
    """The exit status of one command line."""
    try:
        if arguments == ["run"]:
            return run(os.environ)
        if arguments[:2] == ["exec", "--"] and arguments[2:]:
            return execute(arguments[2:], os.environ)
    except EmbeddedError as error:
        sys.stderr.write(f"{error}\n")
        return CANNOT_START
    sys.stderr.write(USAGE)
    return 0 if arguments in (["-h"], ["--help"]) else CANNOT_START


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
