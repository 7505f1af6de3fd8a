"""Settings of the unified model: the two towers, how they are trained, and what may be left out."""

from dataclasses import dataclass, field

import numpy as np

from recs.ml.fit_types import FitConfig
from recs.ml.unified.surfaces import Examples

LOSSES = ("softmax", "thresholds", "pairwise")


@dataclass(frozen=True, slots=True, kw_only=True)
class TowerConfig:
    """The network. Each `use_...` takes a part away, for an ablation."""

    embedding_size: int = 128
    hidden: int = 256
    dropout: float = 0.1
    # Newest wanted items and newest asked words of a person that are read.
    history: int = 30
    asked: int = 5
    use_text: bool = True
    use_tokens: bool = True
    use_attributes: bool = True
    use_graph: bool = True
    use_ids: bool = True
    use_codes: bool = True
    use_scalars: bool = True
    use_history: bool = True
    use_task: bool = True
    use_source: bool = True

    def __post_init__(self) -> None:
        """Refuse sizes that mean nothing."""
        if min(self.embedding_size, self.hidden, self.history, self.asked) < 1:
            raise ValueError("embedding_size, hidden, history and asked count from 1.")
        if not (self.use_text or self.use_tokens or self.use_attributes):
            raise ValueError("Something has to be read of words: text, tokens or attributes.")


@dataclass(frozen=True, slots=True, kw_only=True)
class NegativesConfig:
    """What a target is compared with besides the other targets of its batch.

    Source: Jha et al., Unified Embedding Based Personalized Retrieval in Etsy Search, 2023, section
        3.3: uniform negatives alone at first, then fewer of them and more dynamic hard ones.
    """

    # Items drawn for a batch, uniform and hard ones together.
    items: int = 512
    # Share of the epochs in which all are uniform; from then on the hard ones' share grows.
    warm_up: float = 0.25
    # The hard ones' share at the end.
    hard_share: float = 0.5
    # Items drawn, of which the present model picks the hard ones.
    hard_pool: int = 2048
    # Of the pool's best for a request the first so many are passed over: often they are good.
    hard_skip: int = 5

    def share(self, epoch: int, epochs: int) -> float:
        """The hard ones' share in an epoch."""
        begin = self.warm_up * epochs
        if epoch < begin or epochs <= begin + 1:
            return 0.0
        return self.hard_share * min(1.0, (epoch - begin + 1) / (epochs - begin))


@dataclass(frozen=True, slots=True, kw_only=True)
class UnifiedConfig:
    """All of it; saved beside the weights."""

    tower: TowerConfig = field(default_factory=TowerConfig)
    negatives: NegativesConfig = field(default_factory=NegativesConfig)
    loss: str = "softmax"
    # A score is a cosine; for the softmax it is divided by this.
    temperature: float = 0.06
    # How far the popularity of in-batch targets is corrected: 1 in full.
    log_q: float = 1.0
    # A target of each strength has to reach its threshold, other items have to stay below the last.
    thresholds: tuple[float, float, float] = (0.45, 0.55, 0.65)
    threshold_none: float = 0.15
    # Surfaces whose requests have what they lack filled in by the rules of impute.py. None by
    # default: titles in place of words blur what words mean (docs/experiments.md, 2026-11-28).
    imputes: tuple[str, ...] = ()
    # Share of the requests of people that are asked as by a stranger.
    sign_out: float = 0.2
    # Share of the rows whose graph vector is hidden, for the graph saw the very edge.
    hide_graph: float = 0.3
    # Of each task at most so many examples in an epoch, drawn anew.
    most_examples: int = 40_000
    # Steps from one encoding of all items (for histories, sources and hard negatives) to the next.
    refresh_steps: int = 50
    fit: FitConfig = field(
        default_factory=lambda: FitConfig(
            epochs=10, learning_rate=5e-4, batch_size=512, schedule="cosine", weight_decay=1e-4,
            warmup_steps=50, patience=3, precision="fp32",
        )
    )  # fmt: skip

    def drawn_of(self, examples: Examples) -> int:
        """How many of these an epoch draws."""
        counts = np.bincount(examples.requests.tasks, minlength=1)
        return int(np.minimum(counts, self.most_examples).sum())

    def __post_init__(self) -> None:
        """Refuse an unknown loss and thresholds out of order."""
        if self.loss not in LOSSES:
            raise ValueError(f"loss is one of {', '.join(LOSSES)}, not {self.loss!r}.")
        order = (self.threshold_none, *self.thresholds)
        if list(order) != sorted(set(order)) or not -1 < order[0] < order[-1] < 1:
            raise ValueError("Thresholds rise with the strength and lie between -1 and 1.")
