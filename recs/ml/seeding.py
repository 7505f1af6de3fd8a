"""Where all randomness of a run comes from: one seed, and a named stream for each use of it."""

import random

import numpy as np
import torch


def seed_everything(seed: int) -> None:
    """Set the global generators of Python, NumPy and torch; once, at the start of a run.

    Args:
        seed: any whole number from 0.
    """
    random.seed(seed)  # noqa: TID251  (the one place that may)
    np.random.seed(seed % 2**32)  # noqa: TID251
    torch.manual_seed(seed)  # noqa: TID251


def seed_step(seed: int, *stream: int) -> None:
    """Set torch's global generators for one step of training, which dropout draws from.

    A step's randomness depends on the seed and its place alone, so a run that was killed goes on
    as if nothing had happened, without the generators' states being saved.
    """
    torch.manual_seed(_mixed(seed, stream))  # noqa: TID251


def generator(seed: int, *stream: int, device: torch.device | str = "cpu") -> torch.Generator:
    """A torch generator of its own for one use, such as `generator(seed, epoch)`.

    Two streams of one seed are independent, and so is one stream of two seeds.
    """
    made = torch.Generator(device=device)
    made.manual_seed(_mixed(seed, stream))
    return made


def array_generator(seed: int, *stream: int) -> np.random.Generator:
    """The same for NumPy."""
    return np.random.default_rng(_sequence(seed, stream))


def _sequence(seed: int, stream: tuple[int, ...]) -> np.random.SeedSequence:
    # As a spawn key, not as more entropy, of which NumPy ignores zeros at the end.
    return np.random.SeedSequence(seed, spawn_key=stream)


def _mixed(seed: int, stream: tuple[int, ...]) -> int:
    """One number of 63 bits; NumPy's SeedSequence sees to it that near inputs end far apart."""
    high, low = _sequence(seed, stream).generate_state(2, np.uint32)
    return ((int(high) << 32) | int(low)) & (2**63 - 1)
