"""Also liked: what people wanted close in time to the items of the taste."""

from collections import defaultdict

from recs.history import TasteItem
from recs.models import ItemNeighbour, NeighbourVersion
from recs.querysets import visible_item
from recs.recommenders.base import Ask, Candidate, ranked

SOURCE = "also_liked"


def also_liked(ask: Ask) -> list[Candidate]:
    """Sum of the neighbours' scores over the taste, newer items counting more."""
    taste = {item.item_id: item for item in ask.taste}
    if not taste:
        return []
    rows = ItemNeighbour.objects.filter(
        visible_item("neighbour__"),
        ask.filters.q("neighbour__"),
        version_id=NeighbourVersion.objects.live_id(),
        item_id__in=list(taste),
    ).values_list("item_id", "neighbour_id", "score", "people")
    parts: dict[int, list[tuple[float, TasteItem, int]]] = defaultdict(list)
    for item_id, neighbour_id, score, people in rows:
        if neighbour_id not in ask.excluded:
            seed = taste[item_id]
            parts[neighbour_id].append((score * seed.weight, seed, people))
    totals = {item_id: sum(part[0] for part in of_item) for item_id, of_item in parts.items()}
    best_total = max(totals.values(), default=1.0)
    candidates = []
    for item_id, of_item in parts.items():
        _, because, people = max(of_item, key=lambda part: (part[0], -part[1].item_id))
        candidates.append(
            Candidate(
                item_id=item_id,
                score=totals[item_id] / best_total,
                source=SOURCE,
                because=because,
                people=people,
            )
        )
    return ranked(candidates, ask.k)
