"""A world in which content decides: people go on to items of their own group that nobody knew."""

from datetime import timedelta

import numpy as np

from catalog.events import record_events
from catalog.types import ItemInput
from recs.versions import ensure_version
from tests.recs.conftest import NOON, like, make_items, unit_vectors, write_vectors

GROUPS = ("Drama", "Comedy", "Western")
OLD, NEW = 12, 4
TINY = {
    "members": 1,
    "steps": 30,
    "epochs": 3,
    "embedding_size": 16,
    # Nothing whose result depends on how fast the machine is.
    "tuning_seconds": 0.0,
    "seconds": None,
}


def make_world(people=60, *, seed=3):
    """Keys of the items by name; each person wants seven old items, then a new one weeks later."""
    rng = np.random.default_rng(seed)
    names = [f"{group}-{n}" for group in GROUPS for n in range(OLD + NEW)]
    ids = make_items(
        [
            ItemInput(external_id=name, title=name, category_paths=[name.split("-")[0]])
            for name in names
        ]
    )
    events = []
    for person in range(people):
        group = GROUPS[person % len(GROUPS)]
        old = rng.choice(OLD, size=7, replace=False)
        new = OLD + int(rng.integers(NEW))
        begins = NOON + timedelta(minutes=person)
        events += [
            like(f"p{person}", f"{group}-{item}", time=begins + timedelta(days=day))
            for day, item in enumerate([*old])
        ]
        events.append(like(f"p{person}", f"{group}-{new}", time=begins + timedelta(days=30)))
    record_events(events=events)
    version = ensure_version()
    for group in GROUPS:
        centre = rng.normal(size=version.dimensions)
        vectors = unit_vectors(rng, OLD + NEW, centre / np.linalg.norm(centre), 0.6)
        write_vectors(version, {ids[f"{group}-{n}"]: vectors[n] for n in range(OLD + NEW)})
    return ids
