import numpy as np
import pytest

from recs.ml.text_encoder import LEAST_COSINE, TextEncoder, packaged_model_dir

TEXTS = [
    "",
    "Rear Window. A 1954 American mystery thriller, directed by Alfred Hitchcock",
    "Orbital Garden. Botanists grow wheat on a space station. 2020s science fiction",
    "日本映画 七人の侍",
    " ".join(f"chapter {number} of a story without end" for number in range(150)),
]


@pytest.fixture(scope="module")
def encoder():
    return TextEncoder(packaged_model_dir())


def test_bf16_products_move_a_vector_less_than_the_stated_cosine(encoder):
    if not encoder.uses_bf16:
        pytest.skip("this CPU does not multiply bf16")
    fast = encoder.encode_documents(TEXTS)
    encoder.uses_bf16 = False
    exact = encoder.encode_documents(TEXTS)
    encoder.uses_bf16 = True
    assert not np.array_equal(fast, exact)
    assert (fast * exact).sum(axis=1).min() >= LEAST_COSINE


def test_vectors_are_float32_of_unit_length(encoder):
    vectors = encoder.encode_documents(TEXTS)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
