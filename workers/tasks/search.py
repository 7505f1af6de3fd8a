"""Search work that runs later. Each task is one call."""

from celery import shared_task

from search import pipeline


@shared_task(name="search.build_terms", time_limit=1800, soft_time_limit=1700)
def build_terms() -> None:
    """Collect the words of the catalog, for corrections."""
    pipeline.build_terms()


@shared_task(name="search.train_finished_queries", time_limit=1800, soft_time_limit=1700)
def train_finished_queries() -> None:
    """Learn which logged texts are finished queries, where the log is enough for it."""
    pipeline.train_finished_on_schedule()


@shared_task(name="search.build_queries", time_limit=1800, soft_time_limit=1700)
def build_queries() -> None:
    """Generate and check the queries that can be recommended."""
    pipeline.build_queries()


# It stops by itself before that (search.query_checks.MOST_SECONDS), and the next one goes on.
@shared_task(name="search.check_queries", time_limit=1980, soft_time_limit=1900)
def check_queries(asked: str = "") -> None:
    """Try the stored queries on the live search, and fold those that say the same."""
    pipeline.check_as_asked(asked)


@shared_task(name="search.propose_synonyms", time_limit=1800, soft_time_limit=1700)
def propose_synonyms() -> None:
    """Look for synonyms in the log, for editors to approve."""
    pipeline.propose_synonyms()
