"""Items made ready to be printed: addresses, covers, the facts that matter in this catalog."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from django.urls import reverse
from django.utils.text import slugify

from catalog.category_names import category_label
from catalog.covers import cover_digest
from catalog.models import Collection, Item, Profile
from catalog.types import RankedItem
from recs.recommenders import popular
from search.facet_wording import SYMBOLS, attribute_text

CARD_FACTS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """Where a list came from, carried by its links so that a click can be joined to it."""

    surface: str
    query_id: UUID | str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One item in a list."""

    item: Item
    title: str
    url: str
    cover_url: str
    facts: tuple[str, ...]
    summary: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A titled row of cards."""

    key: str
    title: str
    why: str
    cards: tuple[Card, ...]
    # Words and address of where there is more of it, if there is such a place.
    more: tuple[str, str] | None = None


def card(
    item: Item, profile: Profile, *, trail: Trail, position: int | None = None, why: str = ""
) -> Card:
    """The item as a card; its address carries trail and position."""
    return Card(
        item=item,
        title=item.title,
        url=tracked_url(item, trail=trail, position=position),
        cover_url=cover_url(item),
        facts=facts_of(item, profile)[:CARD_FACTS],
        summary=item.summary,
        why=why,
    )


def ranked_cards(
    ranked: Iterable[RankedItem],
    items: dict[int, Item],
    profile: Profile,
    *,
    trail: Trail,
    told: str = "",
) -> tuple[Card, ...]:
    """Cards of a ranked list; places whose item is gone are left out, and reasons told already."""
    shown = [hit for hit in ranked if hit.item_id in items]
    # A reason that all share says nothing of any of them: the row's own words say it once.
    tells = len({hit.reason for hit in shown}) > 1
    # Nor does how many chose it, in a row of what most people chose.
    tells = tells and {hit.source for hit in shown} != {popular.SOURCE}
    return tuple(
        card(
            items[hit.item_id],
            profile,
            trail=trail,
            position=hit.position,
            why=hit.reason if tells and not _is_told(hit.reason, told) else "",
        )
        for hit in shown
    )


def _is_told(reason: str, told: str) -> bool:
    """Whether the row's title says it: "Because you liked X" over "Similar to X in theme"."""
    _, found, rest = told.partition("Because you ")
    subject = rest.partition(" ")[2]
    return reason == told or bool(found and subject and f" {subject} " in f" {reason} ")


def items_of(ids: Iterable[int]) -> dict[int, Item]:
    """The visible items among these, by id, in one query."""
    return Item.objects.visible().for_cards().in_bulk(list(ids))


def item_url(item: Item) -> str:
    """The item's own address."""
    return reverse("pages:item", args=(item.pk, slug_of(item.title)))


def tracked_url(item: Item, *, trail: Trail, position: int | None) -> str:
    """The item's address with where it was seen."""
    told = {"a": trail.query_id, "p": position, "s": trail.surface}
    return f"{item_url(item)}?{urlencode({key: val for key, val in told.items() if val})}"


def collection_url(collection: Collection) -> str:
    """The collection's own address."""
    return reverse("pages:collection", args=(collection.pk, slug_of(collection.title)))


def cover_url(item: Item) -> str:
    """The address of the item's cover: another one whenever the cover changes."""
    return reverse("pages:cover", args=(item.pk, cover_digest(item)))


def slug_of(title: str) -> str:
    """The title as it stands in an address; never empty."""
    return slugify(title, allow_unicode=True)[:80].strip("-") or "-"


def facts_of(item: Item, profile: Profile) -> tuple[str, ...]:
    """Short facts, the most telling first: year or price, creator, then the profile's."""
    main = {"year": str(item.year or ""), "price": price_of(item, profile)}
    order = ["price", "year"] if profile.range_facet == "price" else ["year", "price"]
    kinds = [category_label(path) for path in item.category_paths[:2]]
    # Where nobody is named, what kind of thing it is says most.
    facts = [main[key] for key in order] + [", ".join(item.creators[:2]) or "".join(kinds[:1])]
    facts += [attribute_text(key, item.attributes.get(key)) for key in profile.fact_attributes]
    return tuple(dict.fromkeys(fact for fact in [*facts, *kinds] if fact))


def price_of(item: Item, profile: Profile) -> str:
    """The price with its currency, or ""."""
    if item.price is None:
        return ""
    currency = item.currency or profile.currency
    symbol = SYMBOLS.get(currency)
    return f"{symbol}{item.price:,.2f}" if symbol else f"{item.price:,.2f} {currency}".strip()
