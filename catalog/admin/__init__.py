"""The admin pages of the catalog, one file for each noun; autodiscovery imports this package."""

from catalog.admin import (
    accounts,
    answers,
    catalogs,
    categories,
    collections,
    events,
    items,
    jobs,
    judging,
    judging_pairs,
    keys,
    labels,
    people,
    profile,
    schedule,
)

__all__ = (
    "accounts",
    "answers",
    "catalogs",
    "categories",
    "collections",
    "events",
    "items",
    "jobs",
    "judging",
    "judging_pairs",
    "keys",
    "labels",
    "people",
    "profile",
    "schedule",
)
