"""What the tasks of language models do: write, then offer what was written to the store."""

from celery.exceptions import SoftTimeLimitExceeded

from catalog.enqueue import go_on_with_job
from search import pipeline, proposal_policy
from search.query_sources.written import NAME
from workers.augmentation import attributes, labels, names, queries, synonyms


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


def write_names(*, job_id: str) -> None:
    """Name the kinds that a job asks for."""
    try:
        names.write_names(items=0, job_id=job_id)
    except SoftTimeLimitExceeded:
        go_on_with_job(job_id=job_id)


def write_synonyms(*, job_id: str) -> None:
    """Write the synonyms that a job asks for."""
    try:
        synonyms.write_synonyms(items=0, job_id=job_id)
    except SoftTimeLimitExceeded:
        go_on_with_job(job_id=job_id)


def write_attributes(*, job_id: str) -> None:
    """State facts of the items that a job asks for; a policy accepts what it accepts."""
    try:
        attributes.write_attributes(items=0, job_id=job_id)
    except SoftTimeLimitExceeded:
        go_on_with_job(job_id=job_id)
        return
    proposal_policy.accept_by_policy()


def label_pairs(*, job_id: str) -> None:
    """Have pairs judged as a job asks for; likewise."""
    try:
        labels.label_pairs(job_id=job_id)
    except SoftTimeLimitExceeded:
        go_on_with_job(job_id=job_id)
