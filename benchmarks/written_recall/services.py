"""A home of the benchmark's own: its database begins with it and is never the user's."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

MARK = "written-recall.json"
INSIDE = "FORAY_WRITTEN_RECALL"
# With one of these set the work would be done over there.
_ELSEWHERE = ("DATABASE_URL", "BROKER_URL", "CACHE_URL", "FORAY_EMBEDDED", "SECRET_KEY")


def run_inside(home: Path, arguments: Sequence[str], *, made_from: str) -> int:
    """This command again with services of its own in a home; returns its status.

    Args:
        home: an empty or a new folder, or one that a run of the same data has filled.
        arguments: of the command line.
        made_from: the data; a home is filled from one only.

    Raises:
        SystemExit: the home is somebody else's.
    """
    own = home / MARK
    if own.is_file():
        if (before := json.loads(own.read_text())["data"]) != made_from:
            raise SystemExit(f"{home} was filled from {before}: give --home another folder.")
    elif home.exists() and any(home.iterdir()):
        raise SystemExit(f"{home} is not empty and not a home of this benchmark.")
    home.mkdir(parents=True, exist_ok=True)
    own.write_text(json.dumps({"data": made_from}))
    environment = {name: value for name, value in os.environ.items() if name not in _ELSEWHERE}
    environment |= {"FORAY_HOME": str(home), "FORAY_DEMO": "none", INSIDE: "1"}
    command = [sys.executable, "-m", "benchmarks.written_recall", *arguments]
    return subprocess.run(
        [sys.executable, "-m", "config.embedded", "exec", "--", *command],
        env=environment, check=False,
    ).returncode  # fmt: skip
