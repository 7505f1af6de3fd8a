"""A catalog in which taste and words decide, and a live unified model of it, learned in seconds."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
from django.utils import timezone

from catalog.events import record_events
from catalog.types import ItemInput
from recs import registry
from recs.content import live_versions
from recs.features import item_vocabulary
from recs.learning import learn
from recs.ml.unified.quality import NAMES
from recs.models import ModelVersion
from recs.neighbours import build_neighbours
from recs.vector_index import prepare_for
from recs.versions import ensure_version, query_encoder
from tests.recs.conftest import NOON, like, make_items, write_vectors

GROUPS = ("Drama", "Comedy", "Western")
EACH = 20
PEOPLE = 60
TINY = {
    "epochs": 2, "members": 1, "embedding_size": 16, "taught": 150, "asked": 20, "held_share": 0.2,
    "person_steps": 20,
}  # fmt: skip


def make_world(*, seed=3):
    """Keys of the items by name; each person wants ten items of one genre, one after the other."""
    rng = np.random.default_rng(seed)
    rows = [
        ItemInput(
            external_id=f"{group}-{number}",
            title=f"{group} tale {number}",
            category_paths=[group],
            creators=[f"Maker {group} {number % 4}"],
            year=1960 + number,
        )
        for group in GROUPS
        for number in range(EACH)
    ]
    ids = make_items(rows)
    events = []
    for person in range(PEOPLE):
        group = GROUPS[person % len(GROUPS)]
        for act, number in enumerate(rng.choice(EACH, size=10, replace=False).tolist()):
            at = NOON + timedelta(days=act * 3, minutes=person)
            events.append(
                like(f"p{person}", f"{group}-{number}", time=at, kind="rating", value=4.5)
            )
    record_events(events=events)
    texts = [f"{row.title} {row.category_paths[0]}" for row in rows]
    vectors = query_encoder().encode(texts)
    write_vectors(
        ensure_version(), {ids[r.external_id]: v for r, v in zip(rows, vectors, strict=True)}
    )
    build_neighbours()
    return ids


def learned(**changes):
    """The run of a unified model on what is there."""
    return learn(kind="unified", config=TINY | changes)


_kept: dict[str, object] = {}


def learned_version():
    """A candidate of make_world(), trained at the first call and copied after that.

    The items' keys are others in each test, and their order is not.
    """
    if not _kept:
        version = learned().version
        artifact = registry.load(version)
        _kept.update(artifact=artifact, metrics=version.metrics, gate=version.gate)
    artifact = _kept["artifact"]
    text = live_versions()["text"]
    version = registry.create_version(kind="unified", as_of=timezone.now(), config=TINY)
    copied = replace(
        artifact,
        config={**artifact.config, "content_versions": {"text": text.pk}},
        vocabulary=item_vocabulary(),
    )
    sizes = registry.Sizes(
        items=len(copied.vocabulary), dimensions=TINY["embedding_size"] + len(NAMES)
    )
    registry.add_artifact(version=version, artifact=copied, sizes=sizes)
    prepare_for(version, np.zeros((0, sizes.dimensions), np.float32))
    everywhere = {"surfaces": ["search", "home", "similar"], "strangers": ["search", "similar"]}
    ModelVersion.objects.filter(pk=version.pk).update(
        gate={**_kept["gate"], "passed": True, **everywhere}, metrics=_kept["metrics"]
    )
    version.refresh_from_db()
    return version
