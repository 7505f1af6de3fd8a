"""Prepare everything a start needs: tables, demo, vectors, queries. Safe to run again."""

import os
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from workers import first_run

INTERRUPTED = 130  # 128 + SIGINT, as shells count it


class Command(BaseCommand):
    """Runs the steps of workers/first_run.py, each skipped where it is done."""

    help = "Create tables, load the demo into an empty catalog, and compute what it needs."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """`--demo films|store|none`; FORAY_DEMO is the default."""
        parser.add_argument(
            "--demo",
            choices=["films", "store", "none"],
            default=os.environ.get("FORAY_DEMO", "films"),
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the steps, saying how long each took."""
        try:
            self.run_steps(options["demo"])
        except KeyboardInterrupt:
            # Every step continues where it stopped: nothing to explain, no trace to show.
            raise SystemExit(INTERRUPTED) from None

    def run_steps(self, demo: str) -> None:
        """Each step in turn."""
        for name, run in first_run.steps(demo=demo):
            begin = time.monotonic()
            run()
            seconds = time.monotonic() - begin
            if seconds > 0.5:
                self.stderr.write(f"  {name}: {seconds:.1f} s", ending="\n")
        if first_run.password_file().exists():
            self.stderr.write(
                f"  Administrator: {first_run.ADMIN_NAME}, password in {first_run.password_file()}"
            )
