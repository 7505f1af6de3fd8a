"""The arms over one shelf, in this order: write, and only then read what people ask."""

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings

from benchmarks.written_recall import report
from benchmarks.written_recall.arms import (
    FACTS,
    QUERIES,
    Arm,
    Writes,
    Written,
    ceiling,
    code_arms,
    fact_arms,
    let_write,
    model_arms,
    wordings_of,
)
from benchmarks.written_recall.cases import ALL, Asked, read_asked, read_shelf
from benchmarks.written_recall.loading import load
from benchmarks.written_recall.measures import Change, compare, named
from benchmarks.written_recall.neighbours import wordings_of_neighbours
from benchmarks.written_recall.searches import K, indexed, own_matches, search_all
from catalog.models import Item

WAYS = ("words alone", "the whole fusion")
# Of each way the first hits of each query.
Lists = Sequence[Sequence[Sequence[str]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What is run. `items`: how many a model is asked about; `kinds`: of what it writes."""

    data: Path
    since: datetime
    items: int = 0
    seed: int = 0
    kinds: Sequence[str] = ("queries",)
    # A GGUF file in place of the model that the settings name; "open" or "closed" of LLM_WRITES.
    gguf: str = ""
    writes: str = ""
    # Whether meaning has a part; of how many words of each item, all where 0.
    vectors: bool = True
    words_read: int = 0
    # Whether what code alone writes is measured too, and the ceiling.
    nulls: bool = True

    @property
    def ways(self) -> Sequence[str]:
        """How it is searched."""
        return WAYS if self.vectors else WAYS[:1]


class Bench:
    """What is measured, once everything is written."""

    def __init__(self, asked: Asked, names: Mapping[int, str], ways: Sequence[str]) -> None:
        """Search with nothing written. `names`: external ids by key."""
        self.asked, self.ways, self._names = asked, ways, names
        with indexed([]):
            self.before = self._search(asked.queries)

    def after(
        self, arm: Arm, *, joined: bool = False, part: Sequence[str] | None = None
    ) -> tuple[Lists, int]:
        """Lists by each way with an arm's words, and how many items were indexed with some."""
        with indexed(arm.rows, facts=arm.facts, joined=joined) as rows:
            return self._search(self.asked.queries if part is None else part), rows

    def _search(self, queries: Sequence[str]) -> Lists:
        found = search_all(queries, vectors=len(self.ways) > 1)
        return [named(lists, self._names) for lists in found]


def run(options: Options) -> None:
    """Load, write, search and print."""
    shelf = read_shelf(options.data, since=options.since)
    began = time.perf_counter()
    load(shelf, vectors=options.vectors, words_read=options.words_read)
    print(f"{len(shelf.items):,} items, in the database after {time.perf_counter() - began:.0f} s")
    arms = [arm for kind in options.kinds for arm in WRITERS[kind](options)]
    # Only now, when all is written, is anything known of what people ask.
    asked = read_asked(options.data, since=options.since)
    names = dict(Item.objects.values_list("pk", "external_id"))
    keys = {name: key for key, name in names.items()}
    bench = Bench(asked=asked, names=names, ways=options.ways)
    _tell_base(bench)
    _tell_arms(bench, [*arms, ceiling(asked, keys)] if options.nulls else arms)


def write_queries_arms(options: Options) -> list[Arm]:
    """Queries for items: the model's, and what code alone can write."""
    arms: list[Arm] = []
    drawn: Sequence[int] = ()
    if options.items:
        written = _written(QUERIES, options)
        arms, drawn = model_arms(written), written.drawn
    if not options.nulls:
        return arms
    items = list(Item.objects.visible().order_by("pk"))
    own = wordings_of(items)
    near = wordings_of_neighbours()
    print(f"wordings of its own words: {len(own):,} items; of its neighbours': {len(near):,} items")
    arms += code_arms("own words", own, drawn, options.seed)
    return arms + code_arms("words of neighbours", near, drawn, options.seed)


def write_facts_arms(options: Options) -> list[Arm]:
    """Facts of items: the model's."""
    return fact_arms(_written(FACTS, options)) if options.items else []


# What a language model can write that items are found by.
WRITERS = {"queries": write_queries_arms, "facts": write_facts_arms}


def _written(writes: Writes, options: Options) -> Written:
    """What the model makes of the items drawn."""
    if options.gguf:
        settings.LLM_GGUF = options.gguf
    if options.writes:
        settings.LLM_WRITES = options.writes
    began = time.perf_counter()
    kept = settings.FORAY_HOME / "drawn.json"
    written = let_write(writes, items=options.items, seed=options.seed, kept=kept)
    _tell_written(written, time.perf_counter() - began)
    return written


def _tell_written(written: Written, seconds: float) -> None:
    print(
        f"{written.model}, {written.version}: {len(written.drawn):,} items drawn,"
        f" {written.calls:,} calls, {written.tokens:,} tokens, {written.money} paid,"
        f" {len(written.proposals):,} proposals ({dict(written.came_of_it)}); {seconds:.0f} s now",
        flush=True,
    )


def _tell_base(bench: Bench) -> None:
    queries = bench.asked.queries
    own = own_matches(queries)
    listed = [len(items) for items in bench.before[0]]
    print(
        f"{len(queries):,} queries: {sum(n < K for n in own):,} have fewer than {K} items with all"
        f" their words, {sum(n == 0 for n in own):,} none; {sum(n < K for n in listed):,} have"
        f" fewer than {K} hits by words in all"
    )
    for part, wants in bench.asked.slices.items():
        for way, lists in zip(bench.ways, bench.before, strict=True):
            if wants:
                told = compare(queries, lists, lists, wants)
                print(
                    f"nothing written, {part}, {way}: {told.queries:,} queries want"
                    f" {told.wanted:,}, recall@{K} {report.share(told.before)}",
                    flush=True,
                )


def _tell_arms(bench: Bench, arms: Sequence[Arm]) -> None:
    found = {arm.name: bench.after(arm) for arm in arms}
    asked = bench.asked
    for place, way in enumerate(bench.ways):
        report.header(way)
        changes: dict[str, Change] = {}
        for arm in arms:
            lists, rows = found[arm.name]
            changes[arm.name] = compare(
                asked.queries, bench.before[place], lists[place], asked.slices[ALL]
            )
            report.line(arm, rows, changes[arm.name])
        report.money(arms, changes)
        print(f"\n| {way} | part | queries | wanted | without | difference, points | won | lost |")
        print("|---" * 8 + "|")
        for arm in arms:
            report.slices(arm.name, asked, bench.before[place], found[arm.name][0][place])
    tiers = {name: lists for name, (lists, _) in found.items()}
    if held := [arm for arm in arms if arm.rows]:
        _tell_joined(bench, held, tiers)


def _tell_joined(bench: Bench, arms: Sequence[Arm], tiers: Mapping[str, Lists]) -> None:
    """One half of the queries by lot, so that the other is left for whoever would choose by it."""
    queries = bench.asked.queries
    places = [place for place, query in enumerate(queries) if _is_choosing(query)]
    part = [queries[place] for place in places]
    wants = {query: bench.asked.slices[ALL][query] for query in part}
    joined = {arm.name: bench.after(arm, joined=True, part=part)[0] for arm in arms}
    for way, name in enumerate(bench.ways):
        report.joined_header(f"{len(part)} queries of the choosing half, {name}")
        before = [bench.before[way][place] for place in places]
        for arm in arms:
            tier = [tiers[arm.name][way][place] for place in places]
            report.joined_line(
                arm.name,
                compare(part, before, tier, wants),
                compare(part, before, joined[arm.name][way], wants),
            )


def _is_choosing(query: str) -> bool:
    return hashlib.blake2b(query.encode(), digest_size=1).digest()[0] % 2 == 0
