"""What the tasks of language models do: write, then offer what was written to the store."""

from collections.abc import Callable, Mapping

from celery.exceptions import SoftTimeLimitExceeded

from catalog.enqueue import go_on_with_job
from search import pipeline
from search.proposal_policy import accept_by_policy
from search.query_sources.written import NAME
from workers.augmentation import (
    attributes,
    categories,
    descriptions,
    labels,
    names,
    queries,
    spellings,
    summaries,
    synonyms,
)

WRITERS: Mapping[str, Callable[..., None]] = {
    "attributes": attributes.write_attributes,
    "names": names.write_names,
    "synonyms": synonyms.write_synonyms,
    "descriptions": descriptions.write_descriptions,
    "categories": categories.write_categories,
    "spellings": spellings.write_spellings,
    "summaries": summaries.write_summaries,
}


def write_queries(*, job_id: str) -> None:
    """Write the queries that a job asks for; what it was asked stands in its params.

    A job that takes longer than a task may is queued again: what was answered is not asked again.
    """
    try:
        queries.write_queries(items=0, job_id=job_id)
    except SoftTimeLimitExceeded:
        go_on_with_job(job_id=job_id)
        return
    offer_queries()


def offer_queries() -> dict[str, int]:
    """Take what was written into the store, try it on the live search, accept by policy.

    At once and not as a task: behind a training it would wait for an hour.

    Returns:
        As search.pipeline.check_queries(); without "ran" where another process tries queries now,
        which then accepts these too.
    """
    pipeline.build_queries()
    return pipeline.check_queries(source=NAME)


def write(*, kind: str, job_id: str) -> None:
    """Write what a job asks for, of a kind that is not tried on the live search first.

    Args:
        kind: one of WRITERS.
        job_id: its row.
    """
    try:
        WRITERS[kind](items=0, job_id=job_id)
        accept_by_policy()
    except SoftTimeLimitExceeded:
        go_on_with_job(job_id=job_id)


def label_pairs(*, job_id: str) -> None:
    """Have pairs judged as a job asks for; likewise."""
    try:
        labels.label_pairs(job_id=job_id)
    except SoftTimeLimitExceeded:
        go_on_with_job(job_id=job_id)
