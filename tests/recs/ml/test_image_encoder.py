import io
import json

import numpy as np
import pytest
from PIL import Image

from recs.ml import image_encoder
from recs.ml.image_encoder import (
    DIMENSIONS,
    MEAN,
    SIDE,
    SPREAD,
    ImageEncoder,
    UnreadableImage,
    prepare,
)


def picture(size=(300, 200), colour=(200, 30, 30), kind="PNG", mode="RGB"):
    file = io.BytesIO()
    Image.new(mode, size, colour).save(file, kind)
    return file.getvalue()


@pytest.fixture(scope="module")
def encoder():
    return ImageEncoder()


def test_a_wide_picture_is_fitted_whole_on_white():
    pixels = prepare(picture(size=(400, 200))) * SPREAD + MEAN
    assert pixels.shape == (3, SIDE, SIDE)
    assert np.allclose(pixels[:, 0, :], 1.0, atol=1e-5)
    assert np.allclose(pixels[:, SIDE // 2, 3], np.array([200, 30, 30]) / 255, atol=1e-5)


def test_a_small_picture_is_enlarged():
    pixels = prepare(picture(size=(20, 20))) * SPREAD + MEAN
    assert np.allclose(pixels[0], 200 / 255, atol=1e-5)


def test_what_is_transparent_is_white():
    clear = prepare(picture(mode="RGBA", colour=(0, 0, 0, 0)))
    assert np.allclose(clear * SPREAD + MEAN, 1.0, atol=1e-5)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_the_usual_formats_are_read(kind):
    assert np.isfinite(prepare(picture(kind=kind))).all()


@pytest.mark.parametrize(
    "content",
    [b"", b"no picture", picture(kind="GIF"), picture(kind="JPEG")[:200], picture()[:60]],
    ids=["empty", "text", "another format", "cut JPEG", "cut PNG"],
)
def test_what_is_no_picture_is_refused(content):
    with pytest.raises(UnreadableImage):
        prepare(content)


def test_too_large_a_file_or_picture_is_refused(monkeypatch):
    monkeypatch.setattr(image_encoder, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(UnreadableImage, match="pixels"):
        prepare(picture())
    monkeypatch.setattr(image_encoder, "MAX_IMAGE_BYTES", 10)
    with pytest.raises(UnreadableImage, match="bytes"):
        prepare(picture())


def test_other_weights_than_the_known_are_not_opened(monkeypatch, tmp_path):
    other = tmp_path / "weights.pth"
    other.write_bytes(b"something else")
    monkeypatch.setattr(image_encoder, "packaged_weights", lambda: other)
    with pytest.raises(ValueError, match="not the file"):
        ImageEncoder()


def test_vectors_have_unit_length_and_do_not_depend_on_the_batch(encoder):
    files = [picture(colour=(n * 10, 255 - n * 10, 90), size=(100 + n, 150)) for n in range(18)]
    together = encoder.encode(files)
    assert together.shape == (18, DIMENSIONS)
    assert together.dtype == np.float32
    assert np.allclose(np.linalg.norm(together, axis=1), 1.0, atol=1e-5)
    assert np.allclose(together[17], encoder.encode(files[17:])[0], atol=1e-4)
    assert encoder.encode([]).shape == (0, DIMENSIONS)


def test_the_nearest_photograph_shows_a_thing_of_the_same_kind(encoder, shared_data):
    folder = shared_data / "luma"
    lines = [json.loads(line) for line in (folder / "products.jsonl").open()][::3]
    kinds = np.array([line["categories"][-1] for line in lines])
    vectors = encoder.encode([(folder / line["images"][0]).read_bytes() for line in lines])
    scores = vectors @ vectors.T
    np.fill_diagonal(scores, -1)
    same = kinds[:, None] == kinds[None]
    by_chance = same[~np.eye(len(kinds), dtype=bool)].mean()
    assert (kinds[scores.argmax(axis=1)] == kinds).mean() > 4 * by_chance
