"""What search computes ahead of requests, in order: words, queries, their checks."""

from catalog.enqueue import enqueue
from catalog.jobs import track
from catalog.models import Item
from search import (
    facet_words,
    query_checks,
    query_folding,
    query_store,
    spelling,
    synonym_sources,
)
from search.models import FacetWord, Query, Term


def build_terms(*, bar: bool = False) -> None:
    """Collect the catalog's words and how many items hold each, and the words of its facets."""
    with track(kind="search.build_terms", bar=bar) as progress:
        spelling.build_terms(progress=progress)
        facet_words.build_facet_words(progress=progress)


def build_queries(*, bar: bool = False) -> None:
    """Generate and check the queries that can be recommended, from every source."""
    with track(kind="search.build_queries", bar=bar) as progress:
        query_store.build_queries(progress=progress)
    enqueue("search.check_queries")


def check_queries(*, every: bool = False, bar: bool = False) -> dict[str, int]:
    """Try the stored queries on the live search, and fold those that say the same.

    Returns:
        What query_checks.check_queries() counts, and "folded".
    """
    with track(kind="search.check_queries", bar=bar) as progress:
        counts = query_checks.check_queries(every=every, progress=progress)
        return {**counts, "folded": query_folding.fold_queries(progress=progress)}


def propose_synonyms(*, bar: bool = False) -> None:
    """Look for synonyms in the log; editors approve them."""
    with track(kind="search.propose_synonyms", bar=bar) as progress:
        synonym_sources.propose_synonyms(progress=progress)


def first_queries(*, bar: bool = False) -> None:
    """What a newly loaded catalog needs before it can suggest; skips what stands already."""
    if not Item.objects.exists():
        return
    if not (Term.objects.exists() and FacetWord.objects.exists()):
        build_terms(bar=bar)
    if not Query.objects.exists():
        build_queries(bar=bar)
