import json

import numpy as np
import pytest
import torch

from recs.ml.histories import Histories
from recs.ml.image_encoder import ImageEncoder
from recs.ml.item_content import Attributes, ItemContent
from recs.ml.m3csr_fit import fit_m3csr
from recs.ml.text_encoder import TextEncoder, packaged_model_dir
from tests.recs.ml.m3csr_world import CPU, small_config

PRODUCTS = 60


@pytest.mark.slow
def test_photographs_and_texts_of_products_become_towers(shared_data):
    """Real pixels and real words through both encoders; the histories are made up."""
    folder = shared_data / "luma"
    lines = (folder / "products.jsonl").read_text(encoding="utf-8").splitlines()
    products = [row for row in map(json.loads, lines) if row.get("images")][:PRODUCTS]
    photographs = [(folder / row["images"][0]).read_bytes() for row in products]
    texts = [f"{row['name']}. {row['description']}" for row in products]
    vectors = {
        "image": padded(ImageEncoder().encode(photographs)),
        "text": padded(TextEncoder(packaged_model_dir()).encode_documents(texts)),
    }
    content = ItemContent(
        item_count=len(products), vectors=vectors, attributes=Attributes.none(len(products))
    )
    kinds = [row["categories"][-1] for row in products]
    histories = people_who_keep_to_a_kind(kinds)
    fitted = fit_m3csr(histories, content, small_config(epochs=3), CPU)
    assert fitted.net.modalities == ("image", "text")
    towers = fitted.encode_items()
    assert towers.shape == (len(products) + 1, 48)
    assert np.isfinite(towers).all()
    # The two modalities say different things, so neither is the other one twice.
    with torch.inference_mode():
        rows = torch.arange(1, len(products) + 1)
        image, text = (fitted.net.content[name](rows) for name in fitted.net.modalities)
    alike = np.corrcoef(
        (image @ image.T).numpy()[np.triu_indices(len(rows), 1)],
        (text @ text.T).numpy()[np.triu_indices(len(rows), 1)],
    )[0, 1]
    assert 0.05 < alike < 0.95


def padded(vectors):
    return np.concatenate([np.zeros((1, vectors.shape[1])), vectors]).astype(np.float32)


def people_who_keep_to_a_kind(kinds):
    random = np.random.default_rng(0)
    groups = [np.flatnonzero(np.array(kinds) == kind) + 1 for kind in sorted(set(kinds))]
    groups = [group for group in groups if len(group) >= 4]
    lists = [random.permutation(groups[p % len(groups)])[:4].tolist() for p in range(80)]
    return Histories.of_lists(lists)
