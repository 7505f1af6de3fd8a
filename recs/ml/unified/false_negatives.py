"""How often what the towers learn to push away was right: negatives against later labels.

Source: Jha et al., Unified Embedding Based Personalized Retrieval in Etsy Search, 2023, section
    3.3 (the kinds of negatives); the check is ours.
"""

import numpy as np
import numpy.typing as npt
import torch

from recs.ml.unified.batches import ExampleBatches
from recs.ml.unified.config import UnifiedConfig
from recs.ml.unified.judged import Judged
from recs.ml.unified.prepared import Prepared
from recs.ml.unified.retriever import Retriever, hard_items, reader_of
from recs.ml.unified.surfaces import SEARCH, Examples, Requests


def false_negatives(
    prepared: Prepared, retriever: Retriever, judged: Judged, config: UnifiedConfig
) -> dict[str, float]:
    """Share of pairs of a request and a negative that later labels call right, by kind.

    Negatives are drawn as in the last epoch, for requests that came after it, by the towers as they
    are then; what the log knew to be good is passed over, as in training. Right is for a search
    what anyone then chose for the same words, and elsewhere what the person then wanted.

    Args:
        prepared: what the towers learned from.
        retriever: the towers.
        judged: later requests and what followed.
        config: as the towers were trained.

    Returns:
        "uniform" and "hard", from 0 to 1; a kind that is not drawn is left out.
    """
    items = prepared.item_count + 1
    asked = Examples(
        requests=judged.requests.select(judged.owners),
        targets=judged.targets,
        strengths=np.zeros(len(judged.targets), np.int8),
        made=np.zeros(len(judged.targets), np.bool_),
    )
    # Of the log only what was known in training, else what followed would be passed over.
    reader = reader_of(prepared, config, prepared.data.log.before(prepared.until))
    batches = ExampleBatches(asked, reader, prepared.chosen, config)
    labels = _labels(judged.requests)
    right = np.unique(labels[judged.owners] * items + judged.targets)
    found: dict[str, list[float]] = {"uniform": [], "hard": []}
    size = config.fit.batch_size
    for step, start in enumerate(range(0, len(asked), size)):
        rows = np.arange(start, min(start + size, len(asked)))
        batch = batches.make(rows, config.fit.epochs - 1, step)
        width = len(rows)
        drawn = {"uniform": (batch.uniform, batch.good[:, width : width + len(batch.uniform)])}
        if batch.hard:
            with torch.no_grad():
                asks = retriever.towers.encode_requests(batch.requests)
            skip = config.negatives.hard_skip
            places = hard_items(asks, batch, retriever.towers.catalogue, skip=skip)
            known = batch.good[:, width + len(batch.uniform) :][:, places]
            drawn["hard"] = (batch.pool[places], known)
        for kind, (columns, known) in drawn.items():
            pairs = labels[judged.owners[rows]][:, None] * items + columns.numpy()[None, :]
            unknown = np.isin(pairs, right)[~known.numpy()]
            if unknown.size:
                found[kind].append(float(unknown.mean()))
    return {kind: float(np.mean(shares)) for kind, shares in found.items() if shares}


def _labels(requests: Requests) -> npt.NDArray[np.int64]:
    """(R,) whose label it is: of the words of a search, of the person elsewhere."""
    persons = requests.persons + 1 + requests.words.max(initial=0) + 1
    return np.asarray(np.where(requests.tasks == SEARCH, requests.words, persons), np.int64)
