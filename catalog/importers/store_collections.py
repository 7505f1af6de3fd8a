"""Collections of the store demo, each derived from its order lines by a stated rule."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal

from catalog.importers.demo_data import CollectionInput
from catalog.importers.store_lines import Sold
from catalog.types import ItemInput

LEAST_ITEMS = 4
TOP = 30
LEAST_ORDERS = 6
LEAST_LINES_OF_A_STATE = 380
BUYERS = {"Consumer": "Consumers'", "Corporate": "Companies'", "Home Office": "Home offices'"}
PRICE_LIMITS = {"Furniture": (20, 100), "Office Supplies": (5, 25), "Technology": (25, 100)}


def store_collections(
    items: Sequence[ItemInput], sold: Mapping[str, Sold]
) -> list[CollectionInput]:
    """All collections with enough products in them."""
    found = [
        *_best_sellers(items, sold),
        *_favourites(items, sold),
        *_by_price(items, sold),
        *_by_discount(items, sold),
    ]
    return [made for made in found if len(made.item_ids) >= LEAST_ITEMS]


def _best_sellers(items: Sequence[ItemInput], sold: Mapping[str, Sold]) -> list[CollectionInput]:
    kinds: dict[str, list[ItemInput]] = defaultdict(list)
    for item in items:
        kinds[item.category_paths[0].split("/")[-1]].append(item)
    return [
        _collection(
            f"best-{kind.lower()}",
            f"Best-selling {kind.lower()}",
            f"The {kind.lower()} of which most pieces were sold.",
            sorted(found, key=lambda item: (-sold[item.external_id].units, item.title)),
        )
        for kind, found in sorted(kinds.items())
    ]


def _favourites(items: Sequence[ItemInput], sold: Mapping[str, Sold]) -> list[CollectionInput]:
    """What a group of buyers orders more of than others do."""
    groups = [("segment", name, f"{title} favourites") for name, title in BUYERS.items()]
    groups += [
        ("region", name, f"Favourites in the {name} region") for name in _values(sold, "region", 1)
    ]
    states = _values(sold, "state", LEAST_LINES_OF_A_STATE)
    groups += [("state", name, f"Favourites in {name}") for name in states]
    made = []
    for attribute, value, title in groups:

        def share(item: ItemInput, attribute: str = attribute, value: str = value) -> float:
            lines = sold[item.external_id].lines
            here = sum(bool(getattr(line, attribute) == value) for line in lines)
            return here / len(lines)

        often = [i for i in items if len(sold[i.external_id].lines) >= LEAST_ORDERS and share(i)]
        made.append(
            _collection(
                f"favourites-{value.lower().replace(' ', '-')}",
                title,
                f"Products ordered {LEAST_ORDERS} times or more, by the share of their orders that "
                f"came from here ({attribute} {value}).",
                sorted(often, key=lambda item: (-share(item), item.title)),
            )
        )
    return made


def _by_price(items: Sequence[ItemInput], sold: Mapping[str, Sold]) -> list[CollectionInput]:
    return [
        _collection(
            f"{category.lower().replace(' ', '-')}-under-{limit}",
            f"{category.capitalize()} under ${limit}",
            f"{category.capitalize()} with a list price below ${limit}, most ordered first.",
            sorted(
                [
                    item
                    for item in items
                    if item.category_paths[0].startswith(category)
                    and (item.price or Decimal(0)) < limit
                ],
                key=lambda item: (-len(sold[item.external_id].lines), item.title),
            ),
        )
        for category, limits in PRICE_LIMITS.items()
        for limit in limits
    ]


def _by_discount(items: Sequence[ItemInput], sold: Mapping[str, Sold]) -> list[CollectionInput]:
    often = [item for item in items if len(sold[item.external_id].lines) >= LEAST_ORDERS]
    never = [item for item in often if not sold[item.external_id].discounted]

    def share(item: ItemInput) -> float:
        return sold[item.external_id].discounted / len(sold[item.external_id].lines)

    return [
        _collection(
            "often-discounted",
            "Often discounted",
            "Products by the share of their orders that had a discount.",
            sorted(often, key=lambda item: (-share(item), item.title)),
        ),
        _collection(
            "never-discounted",
            "Sold at full price",
            "Products that were never discounted, most ordered first.",
            sorted(never, key=lambda item: (-len(sold[item.external_id].lines), item.title)),
        ),
    ]


def _values(sold: Mapping[str, Sold], attribute: str, least_lines: int) -> list[str]:
    counts: dict[str, int] = defaultdict(int)
    for product in sold.values():
        for line in product.lines:
            counts[getattr(line, attribute)] += 1
    return sorted(value for value, count in counts.items() if count >= least_lines)


def _collection(
    external_id: str, title: str, description: str, items: Sequence[ItemInput]
) -> CollectionInput:
    return CollectionInput(
        external_id=external_id,
        title=title,
        description=description,
        item_ids=tuple(item.external_id for item in items[:TOP]),
    )
