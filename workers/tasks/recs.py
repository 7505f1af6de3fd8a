"""Learning that runs later. Each task is one call."""

from celery import shared_task

from recs import learning, pipeline


@shared_task(name="recs.encode_items", time_limit=3600, soft_time_limit=3500)
def encode_items(job_id: str | None = None) -> None:
    """Encode new and changed items, as the sweep or for the job that a write of items made."""
    pipeline.encode_items(job_id=job_id)


@shared_task(name="recs.train_neighbours", time_limit=3600, soft_time_limit=3500)
def train_neighbours() -> None:
    """Compute neighbours by behaviour and popularity from the events so far."""
    pipeline.train_neighbours()


# The broker hands a task out again after its visibility timeout, so the limit is below that.
# A run that is not done by then stays open, and recs.go_on_training takes it up.
@shared_task(name="recs.retrain", time_limit=6600, soft_time_limit=6500)
def retrain(job_id: str | None = None, kind: str = "user_model") -> None:
    """From events to a version that is live or refused, for a job or as the schedule has it."""
    if job_id is None:
        learning.learn_on_schedule(kind)
    else:
        learning.learn_for_job(job_id)


@shared_task(name="recs.go_on_training", time_limit=6600, soft_time_limit=6500)
def go_on_training() -> None:
    """Go on with runs whose process was killed or whose time was up."""
    learning.go_on_with_interrupted()
