"""What the tasks of language models do: write, then offer what was written to the store."""

from catalog.enqueue import enqueue
from workers.augmentation import queries


def write_queries(*, job_id: str) -> None:
    """Write the queries that a job asks for; what it was asked stands in its params."""
    queries.write_queries(items=0, job_id=job_id)
    enqueue("search.build_queries")
