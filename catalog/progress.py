"""How long work tells how far it is; who listens decides what becomes of it."""

import sys
from types import TracebackType
from typing import Self

from tqdm import tqdm


class Progress:
    """Base of all listeners, and the one that does not listen."""

    def set_total(self, total: int) -> None:
        """How much there is to do; 0 where it is not known."""

    def advance(self, n: int = 1, message: str = "") -> None:
        """Another `n` are done; `message` says what is going on now."""


NO_PROGRESS = Progress()


class BarProgress(Progress):
    """A bar on the terminal (standard error, so that output can be piped)."""

    def __init__(self, description: str = "", *, unit: str = "rows") -> None:
        self._bar = tqdm(desc=description or None, unit=f" {unit}", file=sys.stderr, leave=True)

    def set_total(self, total: int) -> None:
        """Give the bar its length."""
        self._bar.total = total or None
        self._bar.refresh()

    def advance(self, n: int = 1, message: str = "") -> None:
        """Move the bar."""
        if message:
            self._bar.set_postfix_str(message[:60], refresh=False)
        self._bar.update(n)

    def close(self) -> None:
        """Leave the bar as it stands."""
        self._bar.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
