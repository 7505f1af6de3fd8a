"""Versions of the user model as they answer: loaded once in a process, checked, never torch."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from recs import registry
from recs.errors import NoLiveVersion, UnusableVersion
from recs.loaded import Loaded
from recs.ml.served_model import Parts, ServedModel, read, saved
from recs.models import ContentVersion, ModelVersion

KIND = ModelVersion.Kind.USER_MODEL


def saved_version(
    parts: Parts,
    *,
    contents: Mapping[str, ContentVersion],
    semantic_version: ModelVersion | None = None,
) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """Config and tensors of an artifact of this kind.

    Args:
        parts: what was fitted.
        contents: the versions whose vectors it read, by modality.
        semantic_version: the codes that it reads.
    """
    config, tensors = saved(parts)
    config["content_versions"] = {name: version.pk for name, version in contents.items()}
    config["semantic_version"] = semantic_version.name if semantic_version else None
    return config, tensors


def live_model() -> tuple[ModelVersion, ServedModel]:
    """The version that answers requests.

    Raises:
        NoLiveVersion: where none was promoted yet.
        UnusableVersion: where its folder cannot be used.
    """
    version = registry.live(KIND)
    if version is None:
        raise NoLiveVersion("No version of the user model is live: run `manage.py retrain`.")
    return version, load_model(version)


def load_model(version: ModelVersion) -> ServedModel:
    """A version, read from its folder at the first call in a process.

    Raises:
        UnusableVersion: for a folder that is missing, changed, of another release, or whose codes
            or vectors are not the ones that the version was made with.
    """
    return _models.get(version)


def forget_models() -> None:
    """Load them anew at the next call."""
    _models.forget()


def contents_of(model: ServedModel) -> dict[str, ContentVersion]:
    """The versions whose vectors it reads, by modality; without those that are gone."""
    keys = model.content_versions
    found = ContentVersion.objects.in_bulk(list(keys.values()))
    return {modality: found[key] for modality, key in keys.items() if key in found}


def item_rows(model: ServedModel, item_ids: list[int]) -> npt.NDArray[np.int64]:
    """(n,) int64, rows of items in the version's vocabulary, 0 for those that it lacks."""
    return model.vocabulary.rows(map(str, item_ids))


def _read(version: ModelVersion) -> ServedModel:
    artifact = registry.load(version)
    try:
        model = read(artifact.config, artifact.tensors, artifact.vocabulary)
    except (KeyError, TypeError, ValueError) as error:
        raise UnusableVersion(f"{version} cannot be used: {error}") from error
    if model.dimensions != version.dimensions:
        raise UnusableVersion(
            f"{version} has vectors of {version.dimensions} numbers, its network of "
            f"{model.dimensions}."
        )
    codes = version.semantic_version.name if version.semantic_version else None
    if artifact.config.get("semantic_version") != codes:
        raise UnusableVersion(
            f"{version} reads the codes {codes}, and was made with "
            f"{artifact.config.get('semantic_version')}."
        )
    return model


_models = Loaded(_read)
