"""A small world: items in taste groups, vectors that follow them, people who like one each."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from catalog.events import record_events
from catalog.items import upsert_items
from catalog.models import Item, Person
from catalog.profiles import forget_profile
from catalog.types import EventInput, ItemInput
from recs.models import ContentEmbedding, ContentVersion
from recs.neighbours import build_neighbours
from recs.versions import ensure_version

NOON = datetime(2025, 5, 10, 12, tzinfo=UTC)
GROUPS = ("Drama", "Comedy", "Western")
PER_GROUP = 14
PEOPLE_PER_GROUP = 5


def make_items(rows: Sequence[ItemInput]) -> dict[str, int]:
    """Items through the real write; external id -> key."""
    upsert_items(items=list(rows))
    names = [row.external_id for row in rows]
    return dict(Item.objects.filter(external_id__in=names).values_list("external_id", "pk"))


def write_vectors(version: ContentVersion, vectors: dict[int, np.ndarray]) -> None:
    """Vectors as given, said to be of the items' present texts."""
    hashes = dict(Item.objects.filter(pk__in=vectors).values_list("pk", "content_hash"))
    ContentEmbedding.objects.bulk_create(
        [
            ContentEmbedding(
                item_id=pk, version=version, input_hash=hashes[pk], vector=vector.tolist()
            )
            for pk, vector in vectors.items()
        ],
        batch_size=1000,
    )


def unit_vectors(rng: np.random.Generator, size: int, around: np.ndarray, spread: float):
    """Unit vectors (size, D) around a direction."""
    vectors = around + spread * rng.normal(size=(size, len(around))) / np.sqrt(len(around))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def like(person: str, item: str, *, time: datetime, **changes: object) -> EventInput:
    """A like, or another kind where `kind` says so."""
    given = {"kind": "like", "user_id": person, "item_id": item, "time": time} | changes
    return EventInput(**given)


@pytest.fixture(autouse=True)
def fresh_profile():
    """No test sees the profile that another one left in this process."""
    forget_profile()
    yield
    forget_profile()


@pytest.fixture
def world(db):
    """42 items in three groups, 15 people who like one group each, vectors by group, neighbours.

    Items 12 and 13 of each group were never touched by anybody.
    """
    rng = np.random.default_rng(7)
    rows = [
        ItemInput(
            external_id=f"{group.lower()}-{number}",
            title=f"{group} number {number}",
            category_paths=[group],
            creators=[f"Maker {group} {number % 7}"],
            year=1990 + number,
        )
        for group in GROUPS
        for number in range(PER_GROUP)
    ]
    ids = make_items(rows)
    events = []
    for group in GROUPS:
        for member in range(PEOPLE_PER_GROUP):
            chosen = rng.choice(PER_GROUP - 2, size=8, replace=False)
            for place, number in enumerate(chosen):
                events.append(
                    like(
                        f"{group.lower()}-fan-{member}",
                        f"{group.lower()}-{number}",
                        time=NOON + timedelta(hours=place + 24 * member),
                        kind="rating",
                        value=4.0 + number % 3 / 2,
                    )
                )
    results = record_events(events=events)
    assert {result.status for result in results} == {"accepted"}
    version = ensure_version()
    for group in GROUPS:
        centre = rng.normal(size=version.dimensions)
        vectors = unit_vectors(rng, PER_GROUP, centre / np.linalg.norm(centre), 0.5)
        write_vectors(
            version,
            {ids[f"{group.lower()}-{n}"]: vectors[n] for n in range(PER_GROUP)},
        )
    build_neighbours()
    return ids


@pytest.fixture
def drama_fan(world):
    """Key of somebody who liked eight dramas."""
    return Person.objects.get(external_id="drama-fan-0").pk
