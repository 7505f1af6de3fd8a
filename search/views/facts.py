"""What is known of an item, as the lines of its page: each with links to more of the same."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse

from catalog.additions import CATEGORY, Addition, additions_of
from catalog.category_names import category_trail
from catalog.models import Item, Profile
from search.facet_wording import attribute_label, attribute_text
from search.views.cards import price_of
from search.views.params import query_url

MOST_NAMES = 12
# By what was decided that it counts, true of each as it stands.
_DECIDED = {
    "person": "Suggested by a language model, approved by a person.",
    "sample": "Suggested by a language model; people checked a random sample of what it suggested.",
    "policy": "Suggested by a language model, accepted by a rule that people's checks of random "
    "samples allow.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """One value; `url` leads to what else has it, "" where there is nothing to follow."""

    text: str
    url: str = ""
    # The words of the item that it rests on, of what was added.
    evidence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One line: a label and its values."""

    label: str
    values: tuple[Value, ...]


def facts_for_page(item: Item, profile: Profile) -> list[Fact]:
    """The item's facts, the most telling first; those without a value are left out."""
    told = [
        Fact(label=profile.creator_noun, values=_filtered("creator", item.creators)),
        Fact(label="year", values=_year(item)),
        Fact(label="price", values=_plain(price_of(item, profile))),
        Fact(label=profile.category_noun, values=_categories(item)),
        Fact(label="country", values=_filtered("country", item.countries)),
    ]
    for key in dict.fromkeys([*profile.fact_attributes, *profile.name_attributes]):
        value = item.attributes.get(key)
        is_name = key in profile.name_attributes
        values = _names(value) if is_name else _plain(attribute_text(key, value))
        told.append(Fact(label=attribute_label(key), values=values))
    return [fact for fact in told if fact.values]


def added_for_page(item: Item) -> list[Fact]:
    """What was added beside the feed's facts, by how it was decided on, with its evidence."""
    told: dict[str, list[Value]] = {}
    for one in additions_of(item):
        label = _DECIDED.get(one.by, "Suggested by a language model.")
        told.setdefault(label, []).append(_added(one))
    return [Fact(label=label, values=tuple(values)) for label, values in told.items()]


def _added(one: Addition) -> Value:
    text = str(one.value)
    if one.facet == CATEGORY:
        return _category(text, evidence=one.evidence)
    if one.is_attribute:
        shown = f"{attribute_label(one.key)}: {attribute_text(one.key, one.value)}"
        value = text if isinstance(one.value, str) else f"{text}..{text}"
        url = f"{reverse('pages:search')}?{urlencode({one.facet: value})}"
    else:
        shown, url = text, query_url(text)
    return Value(text=shown, url=url, evidence=one.evidence)


def _plain(text: str) -> tuple[Value, ...]:
    return (Value(text=text),) if text else ()


def _filtered(facet: str, values: list[str]) -> tuple[Value, ...]:
    search = reverse("pages:search")
    return tuple(
        Value(text=value, url=f"{search}?{urlencode({facet: value})}")
        for value in values[:MOST_NAMES]
    )


def _year(item: Item) -> tuple[Value, ...]:
    if item.year is None:
        return ()
    years = urlencode({"year": f"{item.year}..{item.year}"})
    return (Value(text=str(item.year), url=f"{reverse('pages:search')}?{years}"),)


def _categories(item: Item) -> tuple[Value, ...]:
    return tuple(_category(path) for path in item.category_paths)


def _category(path: str, *, evidence: str = "") -> Value:
    """As it is called, its levels apart."""
    return Value(
        text=" / ".join(label for label, _ in category_trail(path)),
        url=reverse("pages:category", args=(path,)),
        evidence=evidence,
    )


def _names(value: object) -> tuple[Value, ...]:
    names = value if isinstance(value, list) else [value] if value else []
    return tuple(Value(text=str(one), url=query_url(str(one))) for one in names[:MOST_NAMES])
