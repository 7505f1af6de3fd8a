"""A trained network of sequences as a Scorer."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from recs.ml.batches import SequenceBatch, history_batch
from recs.ml.histories import Histories

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


class SequenceNet(Protocol):
    """What a network has to offer: a vector for each item, and one for each moment of a history."""

    def item_table(self) -> Tensor:
        """(N + 1, D) float; row 0, the padding, is zeros."""
        ...

    def __call__(self, batch: SequenceBatch) -> Tensor:
        """(B, T, D) float, what each position and those before it amount to."""
        ...


@dataclass(frozen=True, slots=True)
class NetScorer:
    """A Scorer: the product of a person's newest vector and each item's.

    `items`: (N + 1, D) float32 as the network had them when it was made. `epochs`: after how many
    validation found it best, None where nobody validated.
    """

    net: nn.Module
    longest: int
    items: Tensor
    epochs: int | None = None

    @classmethod
    def of(cls, net: nn.Module, longest: int, epochs: int | None = None) -> "NetScorer":
        """Of the weights as they are now; histories are read up to `longest` newest events."""
        net.eval()
        with torch.no_grad():
            table: Tensor = net.item_table()  # type: ignore[operator]
        return cls(net, longest, table.detach().float().clone(), epochs)

    @property
    def item_count(self) -> int:
        """N."""
        return len(self.items) - 1

    def users(self, histories: Histories, persons: Ints) -> Floats:
        """(B, D) float32; zeros for an empty history."""
        return np.asarray(self._users(histories, persons).cpu().numpy(), np.float32)

    def score(self, histories: Histories, persons: Ints) -> Floats:
        """(B, N + 1) float32; see `Scorer`."""
        with torch.inference_mode():
            scores = self._users(histories, persons) @ self.items.T
        result = np.asarray(scores.cpu().numpy(), np.float32)
        result[:, 0] = -np.inf
        return result

    def _users(self, histories: Histories, persons: Ints) -> Tensor:
        """In parts of like length, so that one long history does not pad all of them."""
        lengths = np.minimum(histories.lengths[persons], self.longest)
        order = np.argsort(lengths, kind="stable")
        users = torch.zeros(len(persons), self.items.shape[1], device=self.items.device)
        self.net.eval()
        with torch.inference_mode():
            for part in np.array_split(order, max(1, len(order) // 256)):
                batch = history_batch(histories, persons[part], self.longest)
                newest = self.net(batch.to(self.items.device))[:, -1].float()
                filled = torch.from_numpy(lengths[part] > 0).to(newest.device)
                users[torch.from_numpy(part)] = newest * filled[:, None]
        return users
