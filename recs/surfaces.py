"""Which engine answers a surface for a viewer now, and how its lists are mixed."""

import time
from dataclasses import dataclass
from hashlib import blake2b

from django.db import connection

from catalog.scope import PerCatalog
from catalog.types import Viewer
from recs.models import ModelVersion, Surface

# A process may be that late to see a change.
READ_SECONDS = 1.0
# The code of why a viewer of the control group gets no model.
CONTROL = "control"
FOR_STRANGERS = "not_better_for_strangers"

_NOT_READ: tuple[float, dict[str, Surface]] = (float("-inf"), {})
_read = PerCatalog(lambda: _NOT_READ)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixing:
    """How a list is mixed: `strength` 0 to 1, and most items of a creator and of a category."""

    strength: float = 0.0
    most_of_creator: int = 0
    most_of_category: int = 0

    @property
    def is_off(self) -> bool:
        """Whether the order stays as it is."""
        return not (self.strength or self.most_of_creator or self.most_of_category)


def setting(key: str) -> Surface:
    """The surface's row, as of at most a second ago; the defaults where it has none."""
    now = time.monotonic()
    # Inside a transaction what is read may never be true for anybody else.
    if connection.in_atomic_block:
        return _rows().get(key) or Surface(key=key)
    read_at, rows = _read.value
    if now - read_at > READ_SECONDS:
        rows = _rows()
        _read.value = (now, rows)
    return rows.get(key) or Surface(key=key)


def forget_settings() -> None:
    """Read them anew at the next call."""
    _read.forget_all()


def why_not(key: str, viewer: Viewer, version: ModelVersion) -> str:
    """The code of why a version of the unified model does not answer; "" where it may.

    "switched_off", "control" for a viewer of the control group, "not_better" where the gate did not
    find the version better on this surface.
    """
    surface = setting(key)
    if surface.engine == Surface.Engine.FIRST:
        return "switched_off"
    if is_control(surface, viewer):
        return CONTROL
    is_better = key in version.gate.get("surfaces", [])
    return "not_better" if surface.engine == Surface.Engine.AUTO and not is_better else ""


def why_not_strangers(key: str, version: ModelVersion) -> str:
    """The same of viewers of whom nothing is known: "not_better_for_strangers", or "".

    The gate asks its requests once more as by strangers: what a model owes to histories alone is no
    reason to answer a first visit with it.
    """
    judged = version.gate.get("strangers")
    is_automatic = setting(key).engine == Surface.Engine.AUTO
    return FOR_STRANGERS if is_automatic and judged is not None and key not in judged else ""


def is_control(surface: Surface, viewer: Viewer) -> bool:
    """Whether the viewer is of the surface's control group: always or never the same person."""
    if not surface.control_percent:
        return False
    name = (
        f"{surface.key}:{viewer.person_id or ''}:{viewer.anonymous_id or viewer.session_id or ''}"
    )
    lot = int.from_bytes(blake2b(name.encode(errors="surrogatepass"), digest_size=8).digest())
    return lot % 100 < surface.control_percent


def mixing(key: str) -> Mixing:
    """How the surface's lists are mixed."""
    surface = setting(key)
    return Mixing(
        strength=surface.diversity_percent / 100,
        most_of_creator=surface.most_of_creator,
        most_of_category=surface.most_of_category,
    )


def _rows() -> dict[str, Surface]:
    return {surface.key: surface for surface in Surface.objects.all()}
