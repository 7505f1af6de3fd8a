"""Folders that exist whole or not at all, and that tell when somebody touched them."""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from recs.ml.errors import ArtifactError, CannotWrite

MANIFEST = "manifest.json"
_STAGING = ".staging-"


def seal(directory: Path, write: Callable[[Path], None], *, about: Mapping[str, Any]) -> str:
    """Write a folder beside its place, with the hash of each file, then rename it in one step.

    Args:
        directory: its final place; must not exist.
        write: puts the files into the folder it is given.
        about: what the manifest says besides the hashes; must go into JSON.

    Returns:
        SHA-256 (hex) of the manifest, which through the hashes in it stands for all files.

    Raises:
        CannotWrite: for a full disk and the like; nothing is left behind.
        ArtifactError: where the folder exists already; what is written is never changed.
    """
    if directory.exists():
        raise ArtifactError(f"{directory} exists already, and what is written never changes.")
    with _named_errors(directory):
        directory.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(dir=directory.parent, prefix=_STAGING))
        try:
            write(staging)
            digest = _write_manifest(staging, about)
            # mkdtemp makes it private; the web process may run as another user.
            staging.chmod(0o755)
            staging.rename(directory)
            _sync(directory.parent)
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            raise
    return digest


def verify(directory: Path, *, expect_sha256: str | None = None) -> dict[str, Any]:
    """The manifest of a folder in which every file is as it was written.

    Args:
        directory: as given to `seal`.
        expect_sha256: what `seal` returned, kept elsewhere; None where nobody kept it.

    Raises:
        ArtifactError: for a file that is missing, changed or was added, or another manifest.
    """
    try:
        text = (directory / MANIFEST).read_bytes()
        manifest: dict[str, Any] = json.loads(text)
        wanted: dict[str, str] = manifest["sha256"]
        found = {name: _sha256(directory / name) for name in wanted}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtifactError(f"{directory} is incomplete: {error}") from error
    if expect_sha256 is not None and hashlib.sha256(text).hexdigest() != expect_sha256:
        raise ArtifactError(f"{directory} has another manifest than the one that was recorded.")
    changed = sorted(name for name in wanted if found[name] != wanted[name])
    added = sorted({path.name for path in directory.iterdir()} - set(wanted) - {MANIFEST})
    if changed or added:
        raise ArtifactError(f"{directory}: files changed: {changed}, added: {added}.")
    return manifest


def remove_leftovers(parent: Path) -> None:
    """Delete what a killed process had not finished in this folder.

    Only for a folder that one process writes to at a time.
    """
    for path in parent.glob(f"{_STAGING}*"):
        shutil.rmtree(path, ignore_errors=True)


def _write_manifest(staging: Path, about: Mapping[str, Any]) -> str:
    files = sorted(path for path in staging.iterdir() if path.is_file())
    for path in files:
        _sync(path)
    manifest = {**about, "sha256": {path.name: _sha256(path) for path in files}}
    text = json.dumps(manifest, sort_keys=True, indent=2).encode()
    (staging / MANIFEST).write_bytes(text)
    _sync(staging / MANIFEST)
    _sync(staging)
    return hashlib.sha256(text).hexdigest()


def _sync(path: Path) -> None:
    """Have the disk hold it before anything is renamed: a power cut must not leave it empty."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def _named_errors(directory: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, SafetensorError) as error:
        if isinstance(error, CannotWrite):
            raise
        raise CannotWrite(f"{directory} could not be written: {error}") from error
