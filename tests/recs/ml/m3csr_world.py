"""A small world for tests of M3CSR: two modalities, and people who follow one of them each."""

from dataclasses import dataclass

import numpy as np

from recs.ml.histories import Histories
from recs.ml.item_content import Attributes, ItemContent
from recs.ml.m3csr_config import M3csrConfig
from recs.ml.m3csr_fit import DecayingFitConfig, M3csrFitConfig
from recs.ml.trainer import RunOptions

ITEMS = 240
TOPICS = 6
PEOPLE = 240
LENGTH = 12
CPU = RunOptions(device="cpu")


@dataclass(frozen=True)
class World:
    histories: Histories
    content: ItemContent
    follows_text: np.ndarray
    topics: dict[str, np.ndarray]


def planted_world(seed: int = 0, cold: int = 0) -> World:
    """The first half of the people takes items of one text topic, the others of one image topic.

    The last `cold` items are taken by nobody. Topics of the two modalities are independent.
    """
    random = np.random.default_rng(seed)
    topics = {name: random.integers(0, TOPICS, ITEMS) for name in ("image", "text")}
    content = ItemContent(
        item_count=ITEMS,
        vectors={name: _vectors(random, found) for name, found in topics.items()},
        attributes=Attributes.none(ITEMS),
    )
    follows_text = np.arange(PEOPLE) < PEOPLE // 2
    items, people = [], []
    for person in range(PEOPLE):
        found = topics["text" if follows_text[person] else "image"]
        pool = np.flatnonzero(found[: ITEMS - cold] == random.integers(TOPICS)) + 1
        items.append(random.choice(pool, LENGTH, replace=False))
        people.append(f"p{person}")
    histories = Histories(
        people=tuple(people),
        offsets=np.arange(PEOPLE + 1, dtype=np.int64) * LENGTH,
        items=np.concatenate(items).astype(np.int64),
        kinds=np.zeros(PEOPLE * LENGTH, np.int8),
        days=np.sort(random.uniform(0, 100, (PEOPLE, LENGTH)), axis=1).ravel(),
    )
    return World(histories, content, follows_text, topics)


def small_config(epochs: int = 2, **net) -> M3csrFitConfig:
    settings = {"embedding_size": 16, "window": 12, "score_scale": 8.0, "served_neighbours": 6}
    return M3csrFitConfig(
        net=M3csrConfig(**{**settings, **net}),
        fit=DecayingFitConfig(
            epochs=epochs,
            batch_size=256,
            learning_rate=0.01,
            warmup_steps=0,
            precision="fp32",
            patience=0,
        ),
        clusters=24,
    )


def _vectors(random, topics):
    centres = random.normal(size=(TOPICS, 12))
    found = centres[topics] + 0.3 * random.normal(size=(len(topics), 12))
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    return np.concatenate([np.zeros((1, 12)), found]).astype(np.float32)
