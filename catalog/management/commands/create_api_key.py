"""Make an API key and show it once."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from catalog.errors import InvalidInput
from catalog.keys import issue_key


class Command(BaseCommand):
    """manage.py create_api_key NAME --scope events:write --rate 600."""

    help = "Make an API key and print it. It is shown this once: only its hash is stored."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Name, scopes, rate, days."""
        parser.add_argument("name")
        parser.add_argument(
            "--scope", action="append", required=True, dest="scopes",
            help="read, events:write, catalog:write, labels or admin; repeat for several",
        )  # fmt: skip
        parser.add_argument("--rate", type=int, default=600, help="requests a minute (600)")
        parser.add_argument("--days", type=int, help="days until it expires (never)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the secret alone on standard output, what it may do on standard error."""
        days = options["days"]
        try:
            key, secret = issue_key(
                name=options["name"],
                scopes=options["scopes"],
                rate_per_minute=options["rate"],
                expires_at=timezone.now() + timedelta(days=days) if days else None,
            )
        except InvalidInput as error:
            raise CommandError(error.detail) from error
        self.stderr.write(
            f"Key '{key.name}' ({', '.join(key.scopes)}; {key.rate_per_minute} requests a minute). "
            "Keep it now: it cannot be shown again."
        )
        self.stdout.write(secret)
