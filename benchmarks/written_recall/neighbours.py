"""Wordings of items like it: what code alone can add to an item that its own words do not say.

Source: Singhal and Pereira, Document expansion for speech retrieval, SIGIR 1999: a document is
given the words of those nearest to it. Here two neighbouring words that several of the nearest
have, so that each wording is one that could be shown.
"""

from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from catalog.derive import content_text
from catalog.items import item_input
from catalog.models import Item
from catalog.profiles import current_profile
from workers.augmentation.phrases import MOST_CHOICES, STOP, names_of, phrases_of

NEAREST = 10
# So many of them have to say it.
LEAST_SAYING = 3
_ROWS = 1_000


def wordings_of_neighbours() -> dict[int, list[str]]:
    """Of every item at most MOST_CHOICES, those that most of its nearest have first."""
    profile = current_profile()
    said: dict[int, set[str]] = {}
    texts: dict[int, str] = {}
    for item in Item.objects.visible().order_by("pk").iterator(chunk_size=2000):
        texts[item.pk] = content_text(item_input(item))
        pairs = phrases_of(item, names_of(item, profile))
        said[item.pk] = {phrase for phrase, _ in pairs if " " in phrase}
    everywhere = Counter(phrase for phrases in said.values() for phrase in phrases)
    found: dict[int, list[str]] = {}
    for item, others in _nearest(texts):
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


def _nearest(texts: Mapping[int, str]) -> Iterator[tuple[int, list[int]]]:
    """Each item with the NEAREST whose texts share most words with it, the rarer the more."""
    keys = list(texts)
    reader = TfidfVectorizer(sublinear_tf=True, stop_words=sorted(STOP), dtype=np.float32)
    rows = reader.fit_transform(texts.values())
    for start in range(0, len(keys), _ROWS):
        near = np.asarray((rows[start : start + _ROWS] @ rows.T).todense())  # (rows, N)
        own = np.arange(len(near))
        near[own, start + own] = -np.inf
        best = np.argpartition(-near, min(NEAREST, len(keys) - 1), axis=1)[:, :NEAREST]
        for row, places in enumerate(best.tolist()):
            yield keys[start + row], [keys[place] for place in places if near[row, place] > 0]
