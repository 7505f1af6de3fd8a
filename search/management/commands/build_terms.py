"""Collect the catalog's words, from which typing errors are corrected."""

from typing import Any

from django.core.management.base import BaseCommand

from catalog.progress import BarProgress
from search.spelling import build_terms


class Command(BaseCommand):
    """`manage.py build_terms`: safe to repeat; searches go on with the old words meanwhile."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        """Build, and say how many words there are."""
        words = build_terms(progress=BarProgress())
        self.stdout.write(self.style.SUCCESS(f"{words:,} words"))
