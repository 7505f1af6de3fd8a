"""Real products with their photographs: two modalities from pixels and text to kinds."""

import json

import pytest

from catalog.items import upsert_items
from catalog.models import Item
from catalog.types import ItemInput
from recs import pipeline, registry
from recs.code_assignment import KIND, semantic_ids
from recs.codes import build_codes
from recs.content import content_vectors
from recs.kinds import more_of_kind

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
PRODUCTS = 90


def test_kinds_of_products_come_from_words_and_photographs(shared_data, settings):
    settings.RECS_IMAGE_DIR = str(shared_data / "luma")
    lines = [json.loads(line) for line in (shared_data / "luma" / "products.jsonl").open()]
    lines = lines[:: len(lines) // PRODUCTS][:PRODUCTS]
    # The catalog is not told the categories: they are what the kinds are held against.
    upsert_items(
        items=[
            ItemInput(
                external_id=line["sku"],
                title=line["name"],
                description=line["description"][:500],
                image_url=f"/media/{line['images'][0]}",
            )
            for line in lines
        ]
    )
    pipeline.encode_items()
    version = build_codes()
    assert registry.live(KIND) == version
    assert semantic_ids(version).residual.space.modalities == ("image", "text")
    keys = list(Item.objects.values_list("pk", flat=True))
    vectors = content_vectors(keys)
    assert vectors["image"].any(axis=1).all()
    categories = {line["sku"]: line["categories"][-1:] for line in lines}
    kinds = {pk: categories[sku] for pk, sku in Item.objects.values_list("pk", "external_id")}
    alike = [(key, one.item_id) for key in keys for one in more_of_kind(version, key, k=3)]
    same = sum(kinds[a] == kinds[b] for a, b in alike) / len(alike)
    by_chance = sum(kinds[a] == kinds[b] for a in keys for b in keys) / len(keys) ** 2
    assert same > 4 * by_chance
