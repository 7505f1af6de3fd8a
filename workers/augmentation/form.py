"""How a model is asked for queries: in its own words, or by choosing."""

from typing import Protocol

from catalog.models import Item
from search.written_queries import Written
from workers.llm.client import Answer
from workers.llm.types import Prompt


class Form(Protocol):
    """One way to ask. `version`: of the wording, kept with whatever comes of it."""

    version: str

    def prompt_for(self, item: Item) -> Prompt | None:
        """The question for one item; None where there is nothing to ask."""
        ...

    def read(self, item: Item, answer: Answer) -> list[Written]:
        """The queries of an answer that fits the question's schema."""
        ...


def text_of(item: Item) -> str:
    """What a model is told of an item."""
    parts = (
        item.title,
        f"{item.year}" if item.year else "",
        ", ".join(item.categories),
        ", ".join(item.countries),
        item.description,
    )
    return ". ".join(part for part in parts if part)
