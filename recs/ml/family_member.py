"""What a member of the family of sequence models consists of."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from recs.ml.scorers import Scorer
from recs.ml.sequence_data import SequenceData, TrainOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One sequence model.

    `config`: its settings, a frozen dataclass. `train`: makes a Scorer of data, config and
    options. `source`, `published` and `differs`: the paper, its settings, and what is otherwise
    here.
    """

    config: Any
    train: Callable[[SequenceData, Any, TrainOptions], Scorer]
    source: str
    published: str
    differs: str
    # The same with what was chosen, fitted on the validated events too; None where nobody wrote it.
    refit: Callable[[Scorer, SequenceData, Any, TrainOptions], Scorer] | None = None
