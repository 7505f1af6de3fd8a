"""What indexing written queries with their items changes: known searches, known titles, time, size.

    .venv/bin/python -m config.embedded exec -- .venv/bin/python -m benchmarks.written_words

On a catalog with proposals of queries: all of them are approved inside a transaction that is rolled
back at the end. That a written query finds its item afterwards is so by construction and no
result; what could be lost is what people find today.
"""

import os
import time

import django
import numpy as np

TITLES = 150
SEED = 11
TOP = 10


def main() -> None:
    """Measure before and after, and print both."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()

    from django.db import connection, transaction

    from benchmarks.queries import SEARCHES
    from catalog.models import Item
    from search.item_words import index_item_words
    from search.models import ItemWords, Proposal

    keys = list(Item.objects.visible().order_by("pk").values_list("pk", flat=True))
    drawn = np.random.default_rng(SEED).choice(keys, TITLES, replace=False)
    named = list(Item.objects.filter(pk__in=drawn.tolist()).order_by("pk"))
    written = list(Proposal.objects.filter(kind="query").exclude(item=None).order_by("pk"))
    asked = {
        "searches": list(SEARCHES),
        "titles": [item.title for item in named],
        "written": [row.text for row in written],
    }
    with transaction.atomic():
        lists(asked["searches"])  # warm
        before = {name: lists(texts) for name, texts in asked.items()}
        Proposal.objects.filter(kind="query").update(review="approved")
        began = time.perf_counter()
        index_item_words()
        took = 1000 * (time.perf_counter() - began)
        after = {name: lists(texts) for name, texts in asked.items()}
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_total_relation_size('search_itemwords')")
            size = cursor.fetchone()[0] / 1024
        rows = ItemWords.objects.count()
        transaction.set_rollback(True)
    print(f"{len(written)} written queries, {rows} items: {took:.0f} ms, {size:.0f} KiB")
    searches(before["searches"], after["searches"])
    for name, items, rank in (
        ("titles", [item.pk for item in named], 1),
        ("titles", [item.pk for item in named], TOP),
        ("written", [row.item_id for row in written], TOP),
    ):
        found = [share(items, told[name][0], rank) for told in (before, after)]
        print(f"{name} that find their item among {rank}: {found[0]:.3f} -> {found[1]:.3f}")


def lists(texts: list[str]) -> tuple[list[list[int]], list[float]]:
    """The first hits of each text, and the milliseconds that each took."""
    from search.retrieval import SearchRequest, retrieve

    found, took = [], []
    for text in texts:
        began = time.perf_counter()
        answer = retrieve(SearchRequest(query=text, per_page=TOP))
        took.append(1000 * (time.perf_counter() - began))
        found.append([hit.item.pk for hit in answer.hits])
    return found, took


def searches(before: tuple, after: tuple) -> None:
    """What became of lists that people see today."""
    pairs = list(zip(before[0], after[0], strict=True))
    pushed = sum(len(set(old) - set(new)) for old, new in pairs)
    same = sum(old == new for old, new in pairs)
    print(f"searches: {same} of {len(pairs)} lists the same, {pushed} hits pushed out of {TOP}")
    print(f"p50 {np.median(before[1]):.1f} -> {np.median(after[1]):.1f} ms")


def share(items: list[int], found: list[list[int]], rank: int) -> float:
    """Of the items, how many stand so high in their lists."""
    return float(np.mean([item in hits[:rank] for item, hits in zip(items, found, strict=True)]))


if __name__ == "__main__":
    main()
