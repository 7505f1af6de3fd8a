"""Similar: items whose texts are near to those of the newest items of the taste."""

import numpy as np

from recs.errors import NoLiveVersion
from recs.index import item_vectors, nearest_items
from recs.recommenders.base import Ask, Candidate, ranked
from recs.versions import live_version

SOURCE = "similar"
# The mean of many vectors is near to nothing in particular; so each item is asked by itself.
SEEDS = 3


def similar(ask: Ask) -> list[Candidate]:
    """The nearest to any of the newest items of the taste; cosine similarity as the score."""
    try:
        version = live_version()
    except NoLiveVersion:
        return []  # nothing is encoded yet: the sources after this one answer
    seeds = list(ask.taste)
    vectors = item_vectors([seed.item_id for seed in seeds], version=version)
    seeds = [seed for seed in seeds if seed.item_id in vectors][:SEEDS]
    excluded = ask.excluded | {seed.item_id for seed in ask.taste}
    best: dict[int, Candidate] = {}
    for seed in seeds:
        for item_id, cosine in nearest_items(
            vector=vectors[seed.item_id],
            k=ask.k,
            filters=ask.filters,
            exclude=excluded,
            version=version,
        ):
            score = float(np.clip(cosine, 0.0, 1.0))
            if item_id not in best or score > best[item_id].score:
                best[item_id] = Candidate(item_id=item_id, score=score, source=SOURCE, because=seed)
    return ranked(list(best.values()), ask.k)
