"""What is stored of spelling pairs: which mistyped word stands for which word."""

from collections.abc import Mapping

from django.db import transaction

from search.models import SpellingPair


def state_pairs(*, pairs: Mapping[str, str | None]) -> int:
    """Let these mistyped words stand for these words; how many pairs changed.

    Args:
        pairs: the word that was meant, in normal form; None for none any more.
    """
    with transaction.atomic():
        rows = SpellingPair.objects.filter(typed__in=list(pairs)).select_for_update()
        held = dict(rows.values_list("typed", "meant"))
        changed = {typed: meant for typed, meant in pairs.items() if held.get(typed) != meant}
        SpellingPair.objects.filter(typed__in=list(changed)).delete()
        SpellingPair.objects.bulk_create(
            SpellingPair(typed=typed, meant=meant)
            for typed, meant in sorted(changed.items())
            if meant and meant != typed
        )
    return len(changed)
