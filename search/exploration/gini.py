"""How unevenly the places of lists are given to items."""

from collections.abc import Collection


def gini(counts: Collection[int], *, items: int) -> float:
    """The Gini coefficient of exposure: 0 where all items are shown alike, near 1 where one is.

    Args:
        counts: how often each item that was shown was shown.
        items: how many there are, with those that were never shown.

    Raises:
        ValueError: more items were shown than there are.
    """
    shown = sorted(count for count in counts if count > 0)
    if len(shown) > items:
        raise ValueError(f"{len(shown)} items were shown, of {items}")
    whole = sum(shown)
    if not whole:
        return 0.0
    never = items - len(shown)
    ranked = sum((never + place) * count for place, count in enumerate(shown, start=1))
    return 2 * ranked / (items * whole) - (items + 1) / items
