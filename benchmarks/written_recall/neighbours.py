"""Wordings of items like it: what code alone can add to an item that its own words do not say.

Source: Singhal and Pereira, Document expansion for speech retrieval, SIGIR 1999: a document is
given the words of those nearest to it. Here two neighbouring words that several of the nearest
have, so that each wording is one that could be shown.
"""

from collections import Counter
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from catalog.models import Item
from catalog.profiles import current_profile
from recs.models import ContentEmbedding
from recs.versions import live_version
from workers.augmentation.phrases import MOST_CHOICES, names_of, phrases_of

NEAREST = 10
# So many of them have to say it.
LEAST_SAYING = 3
_ROWS = 1_000

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


def wordings_of_neighbours() -> dict[int, list[str]]:
    """Of every item at most MOST_CHOICES, those that most of its nearest have first."""
    profile = current_profile()
    said: dict[int, set[str]] = {}
    for item in Item.objects.visible().iterator(chunk_size=2000):
        pairs = phrases_of(item, names_of(item, profile))
        said[item.pk] = {phrase for phrase, _ in pairs if " " in phrase}
    everywhere = Counter(phrase for phrases in said.values() for phrase in phrases)
    found: dict[int, list[str]] = {}
    for item, others in _nearest(sorted(said)):
        told = Counter(phrase for other in others for phrase in said[other])
        own = {word for phrase in said[item] for word in phrase.split()}
        new = [
            phrase for phrase, times in told.items()
            if times >= LEAST_SAYING and not set(phrase.split()) <= own
        ]  # fmt: skip
        new.sort(key=lambda phrase: (-told[phrase], everywhere[phrase], phrase))
        if new:
            found[item] = new[:MOST_CHOICES]
    return found


def _nearest(items: list[int]) -> Iterator[tuple[int, list[int]]]:
    """Each item with a vector and those nearest to it in meaning, itself left out."""
    held = dict(
        ContentEmbedding.objects.filter(version=live_version(), item__in=items).values_list(
            "item_id", "vector"
        )
    )
    keys = np.array(sorted(held), np.int64)
    vectors = np.array([held[key].to_list() for key in keys.tolist()], np.float32)
    for start in range(0, len(keys), _ROWS):
        near = vectors[start : start + _ROWS] @ vectors.T  # (rows, N)
        rows = np.arange(len(near))
        near[rows, start + rows] = -np.inf
        best = np.argsort(-near, axis=1, kind="stable")[:, :NEAREST]
        for row, places in zip(rows.tolist(), best, strict=True):
            yield int(keys[start + row]), keys[places].tolist()
