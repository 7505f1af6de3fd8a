"""A trained network on disk: a sealed folder that NumPy alone can read, also without torch."""

import importlib.metadata
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from recs.ml import sealed
from recs.ml.errors import ArtifactError, CannotWrite
from recs.ml.vocabulary import Vocabulary

__all__ = ["Artifact", "ArtifactError", "CannotWrite", "load_artifact", "save_artifact"]

SCHEMA_VERSION = 1
CONFIG, TENSORS, ITEMS, METRICS, CARD = (
    "config.json",
    "tensors.safetensors",
    "item_ids.json",
    "metrics.json",
    "MODEL_CARD.md",
)
_FILES = {CONFIG, TENSORS, ITEMS, METRICS, CARD}
_LIBRARIES = ("numpy", "safetensors", "scipy", "torch")

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """What makes up a version, to be written or as it was read.

    `config`: what is needed to build the network again, of JSON values. `tensors`: arrays of NumPy
    (read back they are always, and read-only) or of torch on any device. `vocabulary`: which item
    each row belongs to. `metrics`: what was measured, of JSON values. `card`: the model card,
    Markdown. `provenance`: `as_of`, seed, device, number of events and so on; the versions of the
    libraries join them when it is written.
    """

    config: Mapping[str, Any]
    tensors: Mapping[str, Any]
    vocabulary: Vocabulary
    metrics: Mapping[str, Any]
    card: str
    provenance: Mapping[str, Any]


def save_artifact(directory: Path, artifact: Artifact) -> str:
    """Write everything that makes up a version; it never changes afterwards.

    Args:
        directory: its place; must not exist. Its parents are made.
        artifact: see its fields.

    Returns:
        SHA-256 (hex) of the manifest: kept elsewhere, it shows later that nothing was changed.

    Raises:
        CannotWrite: for a full disk and the like; nothing is left behind.
        ArtifactError: where the folder exists, or a tensor is not finite.
    """
    arrays = {name: _array(name, tensor) for name, tensor in artifact.tensors.items()}

    def write(folder: Path) -> None:
        payload = {"schema_version": SCHEMA_VERSION, "vocabulary": artifact.vocabulary.digest}
        _write_json(folder / CONFIG, {**payload, "config": dict(artifact.config)})
        _write_json(folder / ITEMS, list(artifact.vocabulary.item_ids))
        _write_json(folder / METRICS, dict(artifact.metrics))
        (folder / CARD).write_text(artifact.card, encoding="utf-8")
        save_file(arrays, folder / TENSORS)

    about = {"provenance": {**artifact.provenance, "libraries": _versions()}}
    return sealed.seal(directory, write, about=about)


def load_artifact(directory: Path, *, expect_sha256: str | None = None) -> Artifact:
    """Read a version after checking each of its files.

    Args:
        directory: as given to `save_artifact`.
        expect_sha256: what that returned.

    Raises:
        ArtifactError: where a file is missing, changed or was added, where the folder was sealed
            by something else, or its schema is unknown.
    """
    manifest = sealed.verify(directory, expect_sha256=expect_sha256)
    if missing := _FILES - set(manifest["sha256"]):
        raise ArtifactError(f"{directory} lacks {sorted(missing)}.")
    try:
        payload = _read_json(directory / CONFIG)
        if (schema := payload["schema_version"]) != SCHEMA_VERSION:
            raise ArtifactError(f"{directory} has schema {schema}, known is {SCHEMA_VERSION}.")
        vocabulary = Vocabulary(tuple(_read_json(directory / ITEMS)))
        vocabulary.check(payload["vocabulary"])
        return Artifact(
            config=dict(payload["config"]),
            tensors={
                name: _frozen(array) for name, array in load_file(directory / TENSORS).items()
            },
            vocabulary=vocabulary,
            metrics=_read_json(directory / METRICS),
            card=(directory / CARD).read_text(encoding="utf-8"),
            provenance=dict(manifest["provenance"]),
        )
    except (KeyError, TypeError, ValueError, SafetensorError) as error:
        raise ArtifactError(f"{directory} cannot be read: {error}") from error


def _frozen(array: Array) -> Array:
    array.flags.writeable = False
    return array


def _array(name: str, tensor: Any) -> Array:
    # A torch tensor is told by its method, so that torch need not be imported.
    array = np.asarray(tensor.detach().cpu() if hasattr(tensor, "detach") else tensor)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ArtifactError(f"{name} holds numbers that are not finite.")
    return np.ascontiguousarray(array)


def _versions() -> dict[str, str]:
    """Of Python and the libraries that decide on results, without importing them."""
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, sort_keys=True, indent=1), encoding="utf-8")


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
