"""Where the time of a request goes."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


class Stages:
    """Milliseconds by stage; a stage that runs twice adds up."""

    def __init__(self, before: Mapping[str, float] | None = None) -> None:
        self.milliseconds: dict[str, float] = dict(before or {})

    @contextmanager
    def time(self, name: str) -> Iterator[None]:
        """Count what happens inside to the stage."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            spent = (time.perf_counter() - begun) * 1000
            self.milliseconds[name] = round(self.milliseconds.get(name, 0.0) + spent, 3)
