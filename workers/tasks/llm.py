"""Work of language models. Each task is one call."""

from celery import shared_task

from workers import augmented, daily_match


@shared_task(name="llm.write_queries", time_limit=3600, soft_time_limit=3300)
def write_queries(job_id: str) -> None:
    """Write queries for items, as a job asks for."""
    augmented.write_queries(job_id=job_id)


@shared_task(name="llm.label_pairs", time_limit=3600, soft_time_limit=3300)
def label_pairs(job_id: str) -> None:
    """Have a language model grade pairs, as a job asks for."""
    augmented.label_pairs(job_id=job_id)


# The labelling stops at the limits of the day; training takes what is left.
@shared_task(name="llm.match_filter_day", time_limit=6600, soft_time_limit=6500)
def match_filter_day() -> None:
    """Label, train, compare, promote or refuse: once a day."""
    daily_match.match_filter_day()


@shared_task(name="llm.write_names", time_limit=3600, soft_time_limit=3300)
def write_names(job_id: str) -> None:
    """Name kinds, as a job asks for."""
    augmented.write(kind="names", job_id=job_id)


@shared_task(name="llm.write_synonyms", time_limit=3600, soft_time_limit=3300)
def write_synonyms(job_id: str) -> None:
    """Write synonyms, as a job asks for."""
    augmented.write(kind="synonyms", job_id=job_id)


@shared_task(name="llm.write_attributes", time_limit=3600, soft_time_limit=3300)
def write_attributes(job_id: str) -> None:
    """State facts of items, as a job asks for."""
    augmented.write(kind="attributes", job_id=job_id)


@shared_task(name="llm.write_summaries", time_limit=3600, soft_time_limit=3300)
def write_summaries(job_id: str) -> None:
    """Sum items up, as a job asks for."""
    augmented.write(kind="summaries", job_id=job_id)


@shared_task(name="llm.write_spellings", time_limit=3600, soft_time_limit=3300)
def write_spellings(job_id: str) -> None:
    """Judge mistyped words, as a job asks for."""
    augmented.write(kind="spellings", job_id=job_id)


@shared_task(name="llm.write_categories", time_limit=3600, soft_time_limit=3300)
def write_categories(job_id: str) -> None:
    """Name categories, as a job asks for."""
    augmented.write(kind="categories", job_id=job_id)


@shared_task(name="llm.write_descriptions", time_limit=3600, soft_time_limit=3300)
def write_descriptions(job_id: str) -> None:
    """Describe kinds, as a job asks for."""
    augmented.write(kind="descriptions", job_id=job_id)
