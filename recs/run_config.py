"""Settings of a run as they stand on its row; each kind of version adds its own fields."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from catalog.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """What every kind's settings can do. They check their values when they are made."""

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Self:
        """From the run's row.

        Raises:
            InvalidInput: for a name that is not known, or a value that means nothing.
        """
        known = {one.name for one in fields(cls)}
        if unknown := sorted(set(given) - known):
            raise InvalidInput(f"'{unknown[0]}' is not one of {', '.join(sorted(known))}.")
        return cls(**given)
