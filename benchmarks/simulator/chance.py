"""Random numbers by name: the same occasion has the same number in every arm of a comparison."""

import hashlib
from collections.abc import Sequence
from typing import TypeVar

Thing = TypeVar("Thing")


class Chance:
    """Numbers of one seed."""

    def __init__(self, seed: int) -> None:
        self._seed = str(seed)

    def number(self, *occasion: object) -> float:
        """From 0 to below 1, for ever the same for the same occasion."""
        told = "\x1f".join([self._seed, *map(str, occasion)])
        digest = hashlib.blake2b(told.encode(), digest_size=7).digest()
        return int.from_bytes(digest, "big") / 2**56

    def happens(self, probability: float, *occasion: object) -> bool:
        """True with this probability."""
        return self.number(*occasion) < probability

    def one_of(self, things: Sequence[Thing], *occasion: object) -> Thing:
        """One of them, each as likely as the others."""
        return things[int(self.number(*occasion) * len(things))]

    def count(self, persistence: float, most: int, *occasion: object) -> int:
        """How many of a list are looked at: the first, then each next with this probability."""
        left, looked = self.number(*occasion), 1
        while looked < most and left < persistence**looked:
            looked += 1
        return min(looked, most)
