"""The store demo: products, buyers and purchases made from 9,994 order lines of SampleSuperstore.

What the lines say (`bokeh_sampledata.sample_superstore`): category and sub-category, sales,
quantity, discount, ship mode, and the buyer's segment, city, state, postal code and region. What
they do not say: names of products, names of customers, brands, dates. So, made
from that and nothing else:

- a product is a sub-category at one list price (sales / quantity / (1 - discount)); its title says
  the kind, the third of the kind's prices that it is in, and the price: "Premium chair, $140.81";
- a buyer is a segment at a postal code, numbered by first appearance;
- an order is a run of lines with the same buyer and ship mode; the orders are set at even distances
  over FIRST_DAY to LAST_DAY in the order of the file, because an event must have a time. Each event
  says so in its properties ("assumed_time").
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from catalog.importers.demo_data import Demo, DemoMissing
from catalog.importers.store_collections import store_collections
from catalog.importers.store_lines import Line, Sold
from catalog.types import EventInput, ItemInput

FIRST_DAY = datetime(2024, 1, 1, 9, tzinfo=UTC)
LAST_DAY = datetime(2025, 12, 31, 18, tzinfo=UTC)
TIERS = ("Budget", "Mid-range", "Premium")
# How one thing of a sub-category is called.
ONE_OF = {
    "Accessories": "technology accessory",
    "Appliances": "office appliance",
    "Art": "art supply",
    "Binders": "binder",
    "Bookcases": "bookcase",
    "Chairs": "chair",
    "Copiers": "copier",
    "Envelopes": "envelopes",
    "Fasteners": "fasteners",
    "Furnishings": "office furnishing",
    "Labels": "labels",
    "Machines": "office machine",
    "Paper": "paper",
    "Phones": "phone",
    "Storage": "storage",
    "Supplies": "office supply",
    "Tables": "table",
}
SEGMENTS = {"Consumer": "consumers", "Corporate": "companies", "Home Office": "home offices"}
PROFILE = {
    "name": "Foray",
    "tagline": "An office store, and what goes with what.",
    "item_noun": "product",
    "item_noun_plural": "products",
    "creator_noun": "brand",
    "category_noun": "department",
    "range_facet": "price",
    "name_attributes": [],
    "facet_attributes": ["region"],
    "fact_attributes": ["range", "bought_by", "region", "orders", "units_sold", "discounted"],
    "currency": "USD",
}


def read_demo() -> Demo:
    """The whole demo."""
    lines = read_lines()
    sold: dict[str, Sold] = {}
    for line in lines:
        sold.setdefault(line.product, Sold()).lines.append(line)
    prices = _prices_by_kind(lines)
    items = [product_item(key, of, prices[of.lines[0].sub_category]) for key, of in sold.items()]
    events = list(purchases(lines))
    return Demo(
        name="store",
        items=items,
        events=events,
        collections=store_collections(items, sold),
        profile=PROFILE,
        notes=(
            "products are sub-categories at one list price, buyers are segments at a postal code",
            "the orders have no dates: they stand at even distances over 2024 and 2025",
        ),
    )


def read_lines() -> list[Line]:
    """The order lines.

    Raises:
        DemoMissing: the packages of the demo are not installed.
    """
    try:
        from bokeh_sampledata.sample_superstore import data as table
    except ImportError as error:
        raise DemoMissing from error
    columns = (
        "Ship Mode", "Segment", "City", "State", "Postal Code", "Region", "Category",
        "Sub-Category", "Sales", "Quantity", "Discount",
    )  # fmt: skip
    return [Line(*row) for row in zip(*(table[c].tolist() for c in columns), strict=True)]


def product_item(key: str, sold: Sold, prices: Sequence[Decimal]) -> ItemInput:
    """One product as an item; `prices` are those of its kind, in order."""
    line = sold.lines[0]
    tier = TIERS[min(prices.index(line.price) * 3 // len(prices), 2)]
    segment, region = SEGMENTS[sold.most("segment")], sold.most("region")
    orders = len(sold.lines)
    return ItemInput(
        external_id=key,
        title=f"{tier} {ONE_OF[line.sub_category]}, ${line.price}",
        description=(
            f"{line.category}: {_position(prices.index(line.price) + 1, len(prices))} of "
            f"{len(prices)} by price in {line.sub_category.lower()}. Ordered "
            f"{_times(orders)}, {sold.units} sold; bought most by {segment}, and most in "
            f"the {region} region{_discount_text(sold)}."
        ),
        category_paths=[f"{line.category}/{line.sub_category}"],
        attributes={
            "range": tier,
            "bought_by": segment.capitalize(),
            "region": region,
            "orders": orders,
            "units_sold": sold.units,
            "discounted": f"{sold.discounted} of {orders} orders",
        },
        price=line.price,
        currency="USD",
    )


def purchases(lines: Sequence[Line]) -> Iterator[EventInput]:
    """Each line as a purchase; lines of an order are a second apart."""
    orders = list(_orders(lines))
    step = (LAST_DAY - FIRST_DAY) / max(len(orders), 1)
    numbers: dict[tuple[str, int], str] = {}
    for n, order in enumerate(orders):
        begin = (FIRST_DAY + n * step).replace(microsecond=0)
        for second, line in enumerate(order):
            yield EventInput(
                kind="purchase",
                item_id=line.product,
                time=begin + timedelta(seconds=second),
                user_id=numbers.setdefault(line.buyer, str(len(numbers) + 1)),
                session_id=f"order-{n + 1}",
                surface="import",
                value=line.sales,
                properties={
                    "quantity": line.quantity,
                    "discount": line.discount,
                    "ship_mode": line.ship_mode,
                    "segment": line.segment,
                    "city": line.city,
                    "state": line.state,
                    "assumed_time": True,
                },
            )


def _orders(lines: Sequence[Line]) -> Iterator[list[Line]]:
    order: list[Line] = []
    for line in lines:
        if order and (line.buyer, line.ship_mode) != (order[0].buyer, order[0].ship_mode):
            yield order
            order = []
        order.append(line)
    if order:
        yield order


def _prices_by_kind(lines: Sequence[Line]) -> Mapping[str, list[Decimal]]:
    prices: dict[str, set[Decimal]] = {}
    for line in lines:
        prices.setdefault(line.sub_category, set()).add(line.price)
    return {kind: sorted(found) for kind, found in prices.items()}


def _position(rank: int, count: int) -> str:
    if rank == 1:
        return "the lowest"
    if rank == count:
        return "the highest"
    return f"number {rank} from the lowest"


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _discount_text(sold: Sold) -> str:
    if not sold.discounted:
        return "; never discounted"
    return f"; discounted in {sold.discounted} of {len(sold.lines)} orders"
