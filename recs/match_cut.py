"""The cut of a version of the unified model as requests use it; recs.unified_cut learns it."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from recs.ml.unified.features import NAMES_OF_ALL, as_a_stranger
from recs.ml.unified.match_cut import MatchCut, tail_features
from recs.models import ModelVersion
from recs.unified import Ranking

DoubleFloats = npt.NDArray[np.float64]

# The name of the report among a version's metrics.
KEPT_AS = "match_cut"
TEXT = NAMES_OF_ALL.index("text")


def cut_of(version: ModelVersion) -> MatchCut | None:
    """The version's cut; None where the floors of nearness stand."""
    return MatchCut.read(version.metrics.get(KEPT_AS) or {})


def features_of(ranking: Ranking, places: Sequence[int], nearest: Sequence[int]) -> DoubleFloats:
    """(P, 3) what the cut reads at these places: of the words, and of nobody who asks.

    Args:
        ranking: of a search.
        places: of P items.
        nearest: items that are nearest in meaning; all of them were ranked.
    """
    place_of = {item_id: place for place, item_id in enumerate(ranking.ids)}
    texts = ranking.features[:, TEXT]
    near = [place_of[item_id] for item_id in nearest if item_id in place_of]
    best = float(texts[near].max()) if near else float(texts.max(initial=0.0))
    rows = ranking.features[list(places)]
    odds = ranking.model.scores.logits(as_a_stranger(rows)) if len(rows) else np.zeros(0)
    return tail_features(rows[:, TEXT], best, odds)
