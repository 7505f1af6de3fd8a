"""Versions of the unified model as they answer: loaded once in a process, checked, never torch."""

from recs import registry
from recs.errors import UnusableVersion
from recs.loaded import Loaded
from recs.ml.unified.served import ServedUnified
from recs.ml.unified.served_files import read
from recs.models import ContentVersion, ModelVersion

KIND = ModelVersion.Kind.UNIFIED


def load_unified(version: ModelVersion) -> ServedUnified:
    """A version, read from its folder at the first call in a process.

    Raises:
        UnusableVersion: for a folder that is missing, changed, or of another release, and where the
            vectors in the index are of another length than what the query tower asks with.
    """
    return _models.get(version)


def forget_unified() -> None:
    """Load them anew at the next call."""
    _models.forget()


def text_version(model: ServedUnified) -> ContentVersion:
    """The version of text vectors that it reads.

    Raises:
        UnusableVersion: where it is gone.
    """
    key = model.content_versions.get(ContentVersion.TEXT, 0)
    found: ContentVersion | None = ContentVersion.objects.filter(pk=key).first()
    if found is None:
        raise UnusableVersion("The text vectors that the unified model reads are gone.")
    return found


def _read(version: ModelVersion) -> ServedUnified:
    artifact = registry.load(version)
    try:
        model = read(artifact.config, artifact.tensors, artifact.vocabulary)
    except (KeyError, TypeError, ValueError) as error:
        raise UnusableVersion(f"{version} cannot be used: {error}") from error
    if model.dimensions != version.dimensions:
        raise UnusableVersion(
            f"{version} has vectors of {version.dimensions} numbers, its query tower of "
            f"{model.dimensions}."
        )
    return model


_models = Loaded(_read)
