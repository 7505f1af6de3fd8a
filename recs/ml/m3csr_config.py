"""What an M3CSR is: sizes, switches for ablations, and the tables of content it reads."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

PEOPLE_BY_HISTORY = "history"
PEOPLE_BY_ID = "id"


@dataclass(frozen=True, slots=True, kw_only=True)
class M3csrConfig:
    """What the network is and how its batches are made; the published sizes by default.

    `neighbours`: length of each list in training (published: 6). `window`: newest events of a
    person that lists are drawn from, and all of which serving reads. `served_neighbours`: length
    of the lists of people and of their items at serving. `pool`: newest items that stand for a
    person where `people` is "history"; with "id" each person of the training has a trained vector.
    `alpha`: weight of the decoupling term, 0 is off. `score_scale`: what the difference of two
    scores is multiplied by in the loss. The switches below are for ablations.
    """

    embedding_size: int = 64
    heads: int = 4
    neighbours: int = 6
    window: int = 50
    served_neighbours: int = 24
    pool: int = 8
    people: str = PEOPLE_BY_HISTORY
    temperature: float = 0.07
    gate_size: int = 16
    alpha: float = 0.1
    l2: float = 1e-4
    score_scale: float = 1.0
    # Share of items in pairs that are shown as if nobody had taken them yet, each by itself.
    hidden_share: float = 0.2
    # Share of negatives drawn in proportion to how often items had been taken; the rest uniformly.
    popular_negatives: float = 0.0
    use_tables: bool = True
    use_dense: bool = True
    use_gate: bool = True
    content_trainable: bool = False

    def __post_init__(self) -> None:
        """Refuse settings that do not fit together."""
        if self.embedding_size % self.heads:
            raise ValueError("embedding_size is a multiple of heads.")
        if self.people not in (PEOPLE_BY_HISTORY, PEOPLE_BY_ID):
            raise ValueError(f"people is 'history' or 'id', not {self.people!r}.")
        if not (self.use_tables or self.use_dense):
            raise ValueError("Without tables and without the dense path content has no way in.")


@dataclass(frozen=True, slots=True)
class ContentTables:
    """Content as the network takes it: rows of a vocabulary, or of new items alone.

    `vectors`: for each of M modalities (N + 1, its size) float32, zeros where an item lacks it.
    `clusters`: (N + 1,) int64, 0 for none, else 1 to `cluster_count`.
    """

    vectors: Mapping[str, Tensor]
    clusters: Tensor
    cluster_count: int
