"""Learning that runs later. Each task is one call."""

from celery import shared_task

from recs import pipeline


@shared_task(name="recs.encode_items", time_limit=3600, soft_time_limit=3500)
def encode_items(job_id: str | None = None) -> None:
    """Encode new and changed items, as the sweep or for the job that a write of items made."""
    pipeline.encode_items(job_id=job_id)


@shared_task(name="recs.train_neighbours", time_limit=3600, soft_time_limit=3500)
def train_neighbours() -> None:
    """Compute neighbours by behaviour and popularity from the events so far."""
    pipeline.train_neighbours()
