"""The learning stages in order: vectors, codes, index, neighbours by behaviour. Read this first."""

from catalog.jobs import track
from catalog.models import Item
from catalog.progress import NO_PROGRESS, Progress
from recs import codes, embeddings, facts, images, index, item_vectors, neighbours, registry
from recs.code_assignment import KIND, assign_pending
from recs.models import ModelVersion, NeighbourVersion


def encode_items(*, job_id: str | None = None, bar: bool = False) -> int:
    """Encode every item without a fresh vector, and give it its codes; how many were encoded.

    No job row where nobody waits for one (`job_id`) and nothing is pending, or another process
    is at it already.
    """
    pending = embeddings.pending_count()
    if job_id is None and (not pending or embeddings.is_encoding()):
        _follow_texts()
        return 0
    params = {"pending": pending}
    with track(kind="recs.encode_items", params=params, job_id=job_id, bar=bar) as progress:
        encoded = embeddings.encode_pending(progress=progress)
        progress.result["encoded"] = encoded
        progress.result.update(_follow_texts(progress))
    return encoded


def build_codes(*, bar: bool = False) -> ModelVersion:
    """Fit the semantic IDs anew, give all items theirs and make them live."""
    with track(kind="recs.build_codes", bar=bar) as progress:
        version = codes.build_codes(progress=progress)
        progress.result.update(version=version.name, state=version.state)
    return version


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
    if not Item.objects.exists():
        return
    live_codes = registry.live(KIND)
    if live_codes is None or codes.is_outdated(live_codes):
        build_codes(bar=bar)
    if not NeighbourVersion.objects.live().exists():
        train_neighbours(bar=bar)


def _follow_texts(progress: Progress = NO_PROGRESS) -> dict[str, int]:
    """What comes after the texts: facts, photographs, codes and vectors of what is new; counts."""
    stated = facts.encode_pending(progress=progress)
    photographs = images.encode_pending(progress=progress)
    found = {
        "facts": stated,
        "photographs": photographs.encoded,
        "unreadable_photographs": photographs.unreadable,
        "codes": assign_pending(progress=progress),
        "item_vectors": item_vectors.write_pending(progress=progress),
    }
    return {name: count for name, count in found.items() if count}
