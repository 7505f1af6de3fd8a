"""Encode the items that have no fresh vector."""

from typing import Any

from django.core.management.base import BaseCommand

from recs import pipeline


class Command(BaseCommand):
    """Shows a bar; safe to stop and to run again."""

    help = "Encode new and changed items, and build the index where there is none."

    def handle(self, *args: Any, **options: Any) -> None:
        """Encode what is pending."""
        encoded = pipeline.encode_items(bar=True)
        self.stdout.write(f"{encoded} items encoded.")
