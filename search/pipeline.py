"""What search computes ahead of requests: words, finished texts, queries, their checks."""

import logging
from datetime import datetime

from catalog.enqueue import enqueue_once
from catalog.jobs import track
from catalog.models import Item, Job
from recs import registry
from recs.errors import AlreadyTraining, NotEnoughEvents
from recs.models import ModelVersion
from search import (
    added_facts,
    catalog_changes,
    facet_words,
    finished,
    proposal_policy,
    query_checks,
    query_folding,
    query_store,
    spelling,
    synonym_sources,
)
from search.models import FacetWord, Query, Term

log = logging.getLogger(__name__)

CHECK = "search.check_queries"


def build_terms(*, bar: bool = False) -> None:
    """Collect the catalog's words and how many items hold each, and the words of its facets."""
    with track(kind="search.build_terms", bar=bar) as progress:
        # First: it changes what the items' facets hold.
        added_facts.refresh_facts()
        spelling.build_terms(progress=progress)
        facet_words.build_facet_words(progress=progress)
        catalog_changes.fold()


def train_finished_queries(*, bar: bool = False) -> ModelVersion:
    """Learn which logged texts are finished queries, and judge them."""
    with track(kind="search.train_finished_queries", bar=bar) as progress:
        return finished.train_finished_queries(progress=progress)


def train_finished_on_schedule() -> None:
    """The same, where too little in the log is no failure: then the live version judges anew."""
    with track(kind="search.train_finished_queries") as progress:
        try:
            finished.train_finished_queries(progress=progress)
        except (AlreadyTraining, NotEnoughEvents) as error:
            log.info("%s", error.detail)
            progress.advance(0, error.detail)
            if isinstance(error, NotEnoughEvents) and registry.live(finished.KIND):
                finished.judge_texts()


def build_queries(*, bar: bool = False) -> None:
    """Generate and check the queries that can be recommended, from every source."""
    with track(kind="search.build_queries", bar=bar) as progress:
        query_store.build_queries(progress=progress)
    enqueue_once(CHECK)


def check_queries(*, every: bool = False, source: str = "", bar: bool = False) -> dict[str, int]:
    """Try the stored queries on the live search, fold those that say the same, accept by policy.

    `source`: try only what this one offers.

    Returns:
        What query_checks.check_queries() counts, "folded", and "accepted" by a policy.
    """
    given = {"every": every, "source": source}
    with track(kind=CHECK, params=given, bar=bar) as progress:
        counts = query_checks.check_queries(every=every, source=source, progress=progress)
        counts |= {"folded": query_folding.fold_queries(progress=progress)}
        # After the folding: what says the same as a better one is not accepted.
        counts |= {"accepted": proposal_policy.accept_by_policy()}
        progress.result.update(counts)
        return counts


def check_as_asked(asked: str = "") -> None:
    """The same of all queries, unless a run that began after `asked` (ISO 8601) left none over."""
    done = Job.objects.filter(kind=CHECK, state=Job.State.DONE, params__source="", result__left=0)
    if asked and done.filter(started_at__gt=datetime.fromisoformat(asked)).exists():
        log.info("what was asked for at %s was done meanwhile", asked)
        return
    check_queries()


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
