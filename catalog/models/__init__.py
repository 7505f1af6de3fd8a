"""Rows of the catalog: what exists, what happened, what people said. One file for each noun."""

from catalog.event_kinds import EventKind
from catalog.models.answers import Answer
from catalog.models.catalogs import Catalog
from catalog.models.categories import CategoryName
from catalog.models.collections import Collection, CollectionItem
from catalog.models.events import Event, EventKey
from catalog.models.items import Item
from catalog.models.jobs import Job, JobProblem
from catalog.models.judging import Judgement, JudgingPair
from catalog.models.keys import ApiKey
from catalog.models.labels import Label
from catalog.models.people import Person, SavedSearch
from catalog.models.profile import Profile

__all__ = (
    "Answer",
    "ApiKey",
    "Catalog",
    "CategoryName",
    "Collection",
    "CollectionItem",
    "Event",
    "EventKey",
    "EventKind",
    "Item",
    "Job",
    "JobProblem",
    "Judgement",
    "JudgingPair",
    "Label",
    "Person",
    "Profile",
    "SavedSearch",
)
