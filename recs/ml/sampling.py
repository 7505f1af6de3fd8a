"""Items drawn as negatives, and the probability of each draw."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Ints = npt.NDArray[np.int64]


class ItemSampler:
    """Draws items by how often they were wanted, damped; memory and time grow with N and S alone.

    Source: the exponent is that of Mikolov et al., Distributed Representations of Words and
        Phrases and their Compositionality, NIPS 2013, section 2.2.
    Differs from the paper: each item counts once more than it was wanted, so that one nobody
        wanted is drawn too.
    """

    def __init__(self, counts: Ints, *, power: float = 0.75) -> None:
        """Prepare drawing.

        Args:
            counts: (N + 1,) int64, how often each item was wanted; row 0 is padding.
            power: 1 draws by popularity, 0 uniformly.

        Raises:
            ValueError: where there is no item.
        """
        if len(counts) < 2:
            raise ValueError("There is no item to draw.")
        weights = (np.maximum(counts, 0) + 1.0) ** power
        weights[0] = 0.0
        shares = weights / weights.sum()
        self._steps = torch.from_numpy(np.cumsum(shares))
        with np.errstate(divide="ignore"):
            # (N + 1,) float32; -inf for the padding, which is never drawn.
            self.log_q = torch.from_numpy(np.log(shares).astype(np.float32))

    def to(self, device: torch.device | str) -> None:
        """Draw on that device from now on."""
        self._steps, self.log_q = self._steps.to(device), self.log_q.to(device)

    def draw(self, *shape: int, generator: torch.Generator | None = None) -> Tensor:
        """Items drawn independently, int64 of that shape, from 1 to N.

        Without a generator torch's global one decides, which `fit` sets anew for each step.
        """
        points = torch.rand(
            shape, generator=generator, dtype=torch.float64, device=self._steps.device
        )
        drawn = torch.searchsorted(self._steps, points, right=True)
        return drawn.clamp_(1, len(self._steps) - 1)
