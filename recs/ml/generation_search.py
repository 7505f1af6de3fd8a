"""Beam search over the codes that items really have: what comes out is always an item."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Ints = npt.NDArray[np.int64]

# What the search asks of a decoder: the level and the beams' states (B, K, D) give (B, K, C) log
# probabilities of that level's codes.
LogProbabilities = Callable[[int, Tensor], Tensor]
# The level, the states (B, K, D) and the codes chosen there (B, K) give the next states.
NextStates = Callable[[int, Tensor, Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class CodeTrie:
    """All paths of codes that lead to an item, one level below the other.

    Nodes of a level are numbered in the order of their paths; the children of a node stand side
    by side. `first_child`: for each level (nodes + 1,) int64, where the children of each node
    begin at the next level. `codes`: for each level the code that leads to each of its nodes.
    `items`: (leaves,) int64, the item of each path.
    """

    first_child: tuple[Tensor, ...]
    codes: tuple[Tensor, ...]
    items: Tensor

    @classmethod
    def of(cls, paths: Ints, sizes: tuple[int, ...]) -> "CodeTrie":
        """Of the paths of N items.

        Args:
            paths: (N + 1, L) int64, from 0; a row with -1 is of an item without codes, which
                cannot be generated; row 0, the padding, never is.
            sizes: codes of each level. A number past them (of a collision that came later) is
                read as the last one, and the path stays its own.

        Raises:
            ValueError: where two items have the same path, or no item has one.
        """
        rows = np.flatnonzero((paths >= 0).all(axis=1) & (np.arange(len(paths)) > 0))
        if not len(rows):
            raise ValueError("No item has codes.")
        rows = rows[np.lexsort(paths[rows].T[::-1])]
        sorted_paths = paths[rows]
        first_child, codes = [], []
        begins = np.zeros(1, np.int64)  # at which leaf each node of the level above begins
        for level, size in enumerate(sizes):
            new = np.ones(len(rows), bool)
            prefixes = sorted_paths[:, : level + 1]
            new[1:] = (prefixes[1:] != prefixes[:-1]).any(axis=1)
            starts = np.flatnonzero(new)
            edges = np.append(begins, len(rows))
            first_child.append(torch.from_numpy(np.searchsorted(starts, edges)))
            codes.append(torch.from_numpy(np.minimum(sorted_paths[starts, level], size - 1)))
            begins = starts
        if len(begins) != len(rows):
            raise ValueError("Two items have the same codes.")
        return cls(tuple(first_child), tuple(codes), torch.from_numpy(rows.astype(np.int64)))

    @property
    def levels(self) -> int:
        """L."""
        return len(self.codes)

    def to(self, device: torch.device | str) -> "CodeTrie":
        """The same on a device."""
        return CodeTrie(
            tuple(part.to(device) for part in self.first_child),
            tuple(part.to(device) for part in self.codes),
            self.items.to(device),
        )

    def children(self, level: int, nodes: Tensor) -> tuple[Tensor, Tensor]:
        """The nodes below some nodes.

        Args:
            level: of the children, from 0; their parents are of the level above (the root of 0).
            nodes: (B, K) int64.

        Returns:
            (B, K, W) int64 nodes of that level and (B, K, W) bool, which of them there are.
        """
        first = self.first_child[level]
        begin, end = first[nodes], first[nodes + 1]
        width = int((end - begin).max())
        places = begin.unsqueeze(-1) + torch.arange(width, device=nodes.device)
        real = places < end.unsqueeze(-1)
        return places.clamp(max=len(self.codes[level]) - 1), real


@torch.inference_mode()
def beam_search(
    states: Tensor,
    trie: CodeTrie,
    *,
    log_probabilities: LogProbabilities,
    next_states: NextStates,
    beam: int,
) -> tuple[Tensor, Tensor]:
    """The likeliest items of each row, found level by level with `beam` paths kept.

    With a beam as wide as the widest level nothing is lost. Between equals the path decides.

    Args:
        states: (B, D) float, of the decoder before the first code.
        trie: the valid paths.
        log_probabilities: see there.
        next_states: see there.
        beam: K, paths kept at each level.

    Returns:
        (B, K) int64 items, best first, 0 where fewer were found, and (B, K) float32 log
        probabilities, -inf there.
    """
    rows = len(states)
    nodes = torch.zeros(rows, 1, dtype=torch.int64, device=states.device)
    scores = torch.zeros(rows, 1, device=states.device)
    kept_states = states.unsqueeze(1)  # (B, K, D)
    for level in range(trie.levels):
        below, real = trie.children(level, nodes)  # (B, K, W)
        logs = log_probabilities(level, kept_states).float()  # (B, K, C)
        codes = trie.codes[level][below]
        grown = scores.unsqueeze(-1) + logs.gather(-1, codes)
        grown = grown.masked_fill(~real, -torch.inf).flatten(1)  # (B, K W)
        kept = _best(grown, beam)
        width = below.shape[2]
        parents = torch.div(kept, width, rounding_mode="floor")
        scores = grown.gather(1, kept)
        nodes = below.flatten(1).gather(1, kept)
        if level + 1 < trie.levels:
            chosen = codes.flatten(1).gather(1, kept)
            index = parents.unsqueeze(-1).expand(-1, -1, kept_states.shape[2])
            kept_states = next_states(level, kept_states.gather(1, index), chosen)
    scores, order = torch.sort(scores, dim=1, descending=True, stable=True)
    items = trie.items[nodes.gather(1, order)].masked_fill(torch.isneginf(scores), 0)
    return _padded(items, beam, 0), _padded(scores, beam, -torch.inf)


def _best(scores: Tensor, k: int) -> Tensor:
    """(B, min(k, X)) places of the highest of (B, X), in order of place; ties by place.

    Beams stay in the order of their paths in this way, so "by place" means "by path".
    """
    k = min(k, scores.shape[1])
    least = scores.topk(k, dim=1).values[:, -1:]
    above, equal = scores > least, scores == least
    room = k - above.sum(dim=1, keepdim=True)
    chosen = above | (equal & (equal.cumsum(dim=1) <= room))
    return chosen.nonzero()[:, 1].view(len(scores), k)


def _padded(values: Tensor, width: int, filler: float) -> Tensor:
    missing = width - values.shape[1]
    return torch.nn.functional.pad(values, (0, missing), value=filler) if missing > 0 else values
