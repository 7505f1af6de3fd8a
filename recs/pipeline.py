"""The learning stages in order: vectors, their index, neighbours by behaviour. Read this first."""

from catalog.jobs import track
from catalog.models import Item
from recs import embeddings, index, neighbours
from recs.models import NeighbourVersion


def encode_items(*, job_id: str | None = None, bar: bool = False) -> int:
    """Encode every item without a fresh vector; how many.

    No job row where nobody waits for one (`job_id`) and nothing is pending, or another process
    is at it already.
    """
    pending = embeddings.pending_count()
    if job_id is None and (not pending or embeddings.is_encoding()):
        return 0
    params = {"pending": pending}
    with track(kind="recs.encode_items", params=params, job_id=job_id, bar=bar) as progress:
        encoded = embeddings.encode_pending(progress=progress)
        progress.result["encoded"] = encoded
    return encoded


def train_neighbours(*, bar: bool = False) -> NeighbourVersion:
    """Compute neighbours and popularity from the events so far and make them live."""
    with track(kind="recs.train_neighbours", bar=bar) as progress:
        version = neighbours.build_neighbours(progress=progress)
        progress.result.update(version=version.pk, events=version.events, pairs=version.pairs)
    return version


def first_models(*, bar: bool = False) -> None:
    """What a newly loaded catalog needs before it can answer; skips what stands already."""
    encode_items(bar=bar)
    version = embeddings.live_version()
    if version.index_built_at is None:
        index.build_index(version=version)
    if Item.objects.exists() and not NeighbourVersion.objects.live().exists():
        train_neighbours(bar=bar)
