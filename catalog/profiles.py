"""The profile of a catalog: read often, changed seldom."""

import time
from typing import Any

from django.db import transaction
from django.db.models import Count, JSONField, QuerySet
from django.db.models.expressions import RawSQL

from catalog.errors import InvalidInput
from catalog.models import Item, Profile
from catalog.scope import PerCatalog

CACHE_SECONDS = 10.0
# The share of items that must have a price or a year before a range of it is worth offering.
MOST_ITEMS = 0.5
PROFILE_ID = 1
_NAMED = """
    (SELECT coalesce(jsonb_object_agg(path, jsonb_build_array(name, line)), '{}'::jsonb)
     FROM catalog_categoryname)"""

# (profile, when it was read): other processes see a change within CACHE_SECONDS.
_cached: PerCatalog[tuple[Profile, float] | None] = PerCatalog(lambda: None)


def current_profile() -> Profile:
    """The one profile; made with its defaults where there is none yet."""
    cached = _cached.value
    if cached is not None and time.monotonic() - cached[1] < CACHE_SECONDS:
        return cached[0]
    found = _with_names().get_or_create(pk=PROFILE_ID)
    profile: Profile = found[0]
    _cached.value = (profile, time.monotonic())
    return profile


def filtered_attributes() -> list[str]:
    """Keys of the attributes that items can be filtered by: the facets, and those with names."""
    profile = current_profile()
    return list(dict.fromkeys([*profile.facet_attributes, *profile.name_attributes]))


def save_profile(**fields: Any) -> Profile:
    """Change some fields of the profile."""
    unknown = sorted(set(fields) - {field.name for field in Profile._meta.concrete_fields})
    if unknown:
        raise InvalidInput(f"The profile has no field '{unknown[0]}'.", field=unknown[0])
    with transaction.atomic():
        profile, _ = Profile.objects.update_or_create(pk=PROFILE_ID, defaults=fields)
    forget_profile()
    return profile


def adapt_profile() -> Profile:
    """Offer the range that most items have, prices before years, where none was chosen yet.

    For a catalog that was just imported into an empty installation: an editor's choice stands.
    """
    profile = current_profile()
    if profile.range_facet:
        return profile
    items = Item.objects.aggregate(
        price=Count("price"), year=Count("year"), enough=Count("pk") * MOST_ITEMS
    )
    for facet in ("price", "year"):
        if items["enough"] and items[facet] >= items["enough"]:
            return save_profile(range_facet=facet)
    return profile


def _with_names() -> QuerySet[Any]:
    """The row, with what categories are called: `named_categories`, (name, line) by path."""
    named = RawSQL(_NAMED, [], output_field=JSONField())  # noqa: S611  a constant
    return Profile.objects.filter(pk=PROFILE_ID).annotate(named_categories=named)


def forget_profile() -> None:
    """Read the profile again at the next call."""
    _cached.forget()
