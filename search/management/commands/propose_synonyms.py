"""Look for synonyms in what people searched and chose; editors approve them."""

from typing import Any

from django.core.management.base import BaseCommand

from catalog.progress import BarProgress
from search.synonym_sources import propose_synonyms


class Command(BaseCommand):
    """`manage.py propose_synonyms`: safe to repeat; what was rejected does not come back."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        """Look, and say how many are new."""
        found = propose_synonyms(progress=BarProgress())
        self.stdout.write(self.style.SUCCESS(f"{found:,} new proposals"))
