"""Order lines of the store demo, and what they add up to."""

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an order."""

    ship_mode: str
    segment: str
    city: str
    state: str
    postal_code: int
    region: str
    category: str
    sub_category: str
    sales: float
    quantity: int
    discount: float

    @property
    def price(self) -> Decimal:
        """The list price of one piece."""
        return Decimal(f"{self.sales / self.quantity / (1 - self.discount):.2f}")

    @property
    def product(self) -> str:
        """External id of the product."""
        return f"{self.sub_category.lower()}-{self.price}"

    @property
    def buyer(self) -> tuple[str, int]:
        """What tells one buyer from another."""
        return (self.segment, self.postal_code)


@dataclass(slots=True)
class Sold:
    """What the lines of one product add up to."""

    lines: list[Line] = field(default_factory=list)

    @property
    def units(self) -> int:
        """Pieces sold."""
        return sum(line.quantity for line in self.lines)

    @property
    def discounted(self) -> int:
        """Lines with a discount."""
        return sum(line.discount > 0 for line in self.lines)

    def most(self, attribute: str) -> str:
        """The commonest value of an attribute of the lines, ties by alphabet."""
        counts: Counter[str] = Counter(getattr(line, attribute) for line in self.lines)
        return min(counts, key=lambda value: (-counts[value], value))
