"""What turns things into content vectors, of whatever modality."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt


class ContentEncoder(Protocol):
    """An encoder of one modality whose inputs are files.

    Vectors of another modality need no class: they may be made elsewhere and imported.
    """

    modality: str
    name: str
    revision: str
    dimensions: int

    def encode(self, inputs: Sequence[bytes]) -> npt.NDArray[np.float32]:
        """Vectors of unit length, (N, dimensions) float32, of N files' contents."""
        ...
