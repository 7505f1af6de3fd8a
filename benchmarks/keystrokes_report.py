"""The table of benchmarks.keystrokes: imported once Django is ready."""

import time
from collections.abc import Callable, Mapping, Sequence
from unittest.mock import patch

import numpy as np
from django.db import connection

from catalog.models import Item
from catalog.types import Viewer
from search.answer import search
from search.placement import Signals, place
from search.query_recommendation import RecommendedQueries
from search.suggest import suggest
from search.text import normalize_query
from search.types import SearchRequest
from search.warm_up import warm_up

K, BLOCK = 8, 5
# What a plain completion would ask, one statement with an index made for it.
PLAIN = """
    SELECT text FROM search_query WHERE normalized LIKE %s AND answers > 0
    ORDER BY popularity DESC LIMIT %s"""

Call = Callable[[str], object]


def report(texts: int) -> None:
    """Print p50, p95 and p99 in milliseconds of each, and p95 beside the plain one's."""
    # As a web process does: else the collector walks all that was loaded inside a request.
    warm_up()
    typed = _texts(texts)
    keystrokes = [text[:end] for text in typed for end in range(1, len(text) + 1)]
    kinds = _kinds()
    print(f"{len(typed)} texts, {len(keystrokes)} keystrokes, {len(kinds)} categories")
    print("| what | count | p50 ms | p95 ms | p99 ms | p95 beside the plain one |")
    print("|---|---|---|---|---|---|")
    _rows(keystrokes, {"a plain prefix": _plain, "suggestions of a keystroke": _suggest})
    _rows(typed, {"results without pills": _bare, "results with pills": _search})
    again = (kinds * (texts // max(1, len(kinds)) + 1))[:texts]
    _rows(again, {"a category without pills": _bare, "a category with pills": _search})
    _rows([""] * texts, {"browsing": _search})


def timed(texts: Sequence[str], calls: Mapping[str, Call]) -> dict[str, list[float]]:
    """Milliseconds of each call for each text; they take turns, a block of texts each."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    # Once for all: what a process reads and encodes once is nobody's.
    for text in dict.fromkeys(texts):
        for call in calls.values():
            call(text)
    for start in range(0, len(texts), BLOCK):
        # Who begins pays for what the database reads anew.
        turn = list(calls.items())[:: -1 if start // BLOCK % 2 else 1]
        for name, call in turn:
            for text in texts[start : start + BLOCK]:
                began = time.perf_counter()
                call(text)
                times[name].append(1000 * (time.perf_counter() - began))
    return times


def _rows(texts: Sequence[str], calls: Mapping[str, Call]) -> None:
    times = timed(texts, calls)
    base = float(np.percentile(next(iter(times.values())), 95))
    for name, of_it in times.items():
        p50, p95, p99 = np.percentile(of_it, [50, 95, 99])
        cells = f"{len(of_it)} | {p50:.1f} | {p95:.1f} | {p99:.1f} | {p95 / base:.2f}"
        print(f"| {name} | {cells} |", flush=True)


def _plain(text: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute(PLAIN, [f"{normalize_query(text)}%", K])
        return cursor.fetchall()


def _suggest(text: str) -> object:
    return suggest(prefix=text, viewer=Viewer(), k=K)


def _search(text: str) -> object:
    return search(SearchRequest(query=text))


def _bare(text: str) -> object:
    none = RecommendedQueries(queries=(), placement=place(Signals()))
    with patch("search.answer._recommend", return_value=none):
        return search(SearchRequest(query=text))


def _texts(count: int) -> list[str]:
    """In turn a title, a maker, a misspelt title, a category with a word, and a word."""
    rows = list(
        Item.objects.visible()
        .order_by("external_id")
        .values_list("title", "creators", "category_paths")
    )
    rows = rows[:: max(1, len(rows) // count)][:count]
    found = []
    for number, (title, creators, paths) in enumerate(rows):
        swapped = title[:2] + title[2:4][::-1] + title[4:]
        kind = paths[0].split("/")[-1] if paths else title
        maker = creators[0] if creators else title
        word = title.split()[-1]
        turn = (title, maker, swapped, f"{kind} {word}", word)[number % 5]
        found.append(turn.lower()[:40])
    return found


def _kinds() -> list[str]:
    """Last parts of the categories, the commonest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT path FROM catalog_item, unnest(category_paths) AS path WHERE NOT is_hidden"
            " GROUP BY path ORDER BY count(*) DESC, path LIMIT 12"
        )
        return [path.split("/")[-1] for (path,) in cursor.fetchall()]
