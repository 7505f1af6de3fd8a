"""The NumPy encoder against sentence-transformers, text by text."""

import numpy as np
import pytest

from recs.ml.query_encoder import QueryEncoder, map_safetensors
from recs.ml.text_encoder import TextEncoder, encoder_revision, packaged_model_dir

LONG = " ".join(f"chapter {number} of a story without end" for number in range(150))
TEXTS = [
    "",
    " ",
    "a",
    "space adventure",
    "french comedy 1960s",
    "hitchcok thriller",
    "Ünïcödé ÀÉ naïve café",
    "😀 film 🎬",
    "فيلم عن الحب والحرب في القاهرة",
    "日本映画 七人の侍",
    "\u202eright to left\u202c and a \x00 NUL\tand a tab\n",
    "x" * 5000,
    "antidisestablishmentarianism, floccinaucinihilipilification!?",
    LONG,
]


@pytest.fixture(scope="module")
def reference():
    encoder = TextEncoder(packaged_model_dir())
    encoder.uses_bf16 = False
    return encoder


@pytest.fixture(scope="module")
def encoder():
    return QueryEncoder(packaged_model_dir())


def test_vectors_equal_those_of_sentence_transformers(encoder, reference):
    expected = reference.encode_documents(TEXTS)
    found = encoder.encode(TEXTS)
    assert found.dtype == np.float32
    assert found.shape == (len(TEXTS), reference.dimensions)
    assert (expected * found).sum(axis=1).min() >= 0.9999


def test_vectors_have_unit_length(encoder):
    assert np.allclose(np.linalg.norm(encoder.encode(TEXTS), axis=1), 1, atol=1e-5)


def test_text_beyond_the_models_tokens_is_not_read(encoder):
    # 256 tokens by sentence_bert_config.json; tokenizer.json by itself says 128.
    words = ["story"] * 254
    whole, longer, shorter = encoder.encode(
        [" ".join(words), " ".join([*words, "war"]), " ".join([*words[:200], "war"])]
    )
    assert np.array_equal(whole, longer)
    assert not np.allclose(whole, shorter, atol=1e-4)


def test_a_batch_equals_one_by_one(encoder):
    together = encoder.encode(TEXTS[:6])
    assert all(
        np.array_equal(together[row], encoder.encode([text])[0])
        for row, text in enumerate(TEXTS[:6])
    )


def test_no_texts_give_an_empty_matrix(encoder):
    assert encoder.encode([]).shape == (0, 384)


def test_meaning_orders_the_vectors(encoder):
    query, near, far = encoder.encode(["space adventure", "a journey among stars", "cooking pasta"])
    assert query @ near > query @ far


def test_weights_that_are_not_float32_are_refused(tmp_path):
    header = b'{"weight": {"dtype": "F16", "shape": [1], "data_offsets": [0, 2]}}'
    path = tmp_path / "model.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + b"\x00\x00")
    with pytest.raises(ValueError, match="F16"):
        map_safetensors(path)


def test_the_revision_changes_with_the_weights(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"one")
    first = encoder_revision(tmp_path)
    path.write_bytes(b"other")
    assert first != encoder_revision(tmp_path)
    assert first.endswith("-fp32")
