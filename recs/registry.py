"""Versions of what is trained: which one is live, and the only ways in which that changes."""

import re
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from catalog import scope
from catalog.enqueue import enqueue_once
from catalog.errors import InvalidInput, NotFound
from catalog.locks import wait_for
from catalog.scope import PerCatalog
from recs import match_guard
from recs.errors import CannotPromote, CannotRollBack, UnusableVersion
from recs.ml import sealed
from recs.ml.artifacts import Artifact, load_artifact, save_artifact
from recs.ml.errors import ArtifactError
from recs.models import ModelVersion

State = ModelVersion.State
# What a version may go live from.
PROMOTABLE = (State.CANDIDATE, State.RETIRED)

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,98}")
# Every request asks which version is live: a process may be that late to see a change.
LIVE_SECONDS = 1.0
LOCK_SPACE = 7_140_320

_LONG_AGO: tuple[float, ModelVersion | None] = (float("-inf"), None)
_live: PerCatalog[dict[str, tuple[float, ModelVersion | None]]] = PerCatalog(dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """What a version was made from, and the length of its vectors (0 where it has none)."""

    events: int = 0
    people: int = 0
    items: int = 0
    dimensions: int = 0


def live(kind: str) -> ModelVersion | None:
    """The version that answers requests, as of at most a second ago; None where none does."""
    return live_of(kind)[0]


def live_of(*kinds: str) -> list[ModelVersion | None]:
    """The same of several kinds, in one statement."""
    # Inside a transaction what is read may never be true for anybody else.
    if connection.in_atomic_block:
        read = _read_live_of(kinds)
        return [read.get(kind) for kind in kinds]
    remembered, now = _live.value, time.monotonic()
    old = [kind for kind in kinds if now - remembered.get(kind, _LONG_AGO)[0] > LIVE_SECONDS]
    if old:
        found = _read_live_of(old)
        remembered.update({kind: (now, found.get(kind)) for kind in old})
    return [remembered[kind][1] for kind in kinds]


def forget_live() -> None:
    """Read the live versions anew at the next call."""
    _live.forget_all()


def previous(kind: str) -> ModelVersion | None:
    """The version that a roll back would make live; None where there is none."""
    current = _read_live(kind)
    return _previous(current) if current else None


def find(*, name: str, kind: str | None = None) -> ModelVersion:
    """The version of that name.

    Raises:
        NotFound: where there is none.
        InvalidInput: where several kinds have one and none is said.
    """
    versions = ModelVersion.objects.filter(name=name)
    found: list[ModelVersion] = list(versions.of_kind(kind) if kind else versions)
    if not found:
        raise NotFound(f"There is no model version '{name[:100]}'.", field="name")
    if len(found) > 1:
        kinds = ", ".join(sorted(version.kind for version in found))
        raise InvalidInput(f"'{name}' is the name of several kinds: {kinds}.", field="kind")
    return found[0]


def artifact_root() -> Path:
    """Where this catalog's artifacts are, a folder for each kind."""
    return scope.folder(settings.RECS_ARTIFACT_DIR)


def folder(version: ModelVersion) -> Path:
    """Where the version's artifact is, or was before it was pruned."""
    return artifact_root() / version.kind / version.name


def create_version(
    *,
    kind: str,
    as_of: datetime,
    config: Mapping[str, Any],
    seed: int = 0,
    semantic_version: ModelVersion | None = None,
    name: str | None = None,
) -> ModelVersion:
    """A row in the state "training", still without a folder.

    Args:
        kind: one of ModelVersion.Kind.
        as_of: exclusive upper bound of the events it learns from.
        config: everything that changes what is computed; JSON values.
        seed: of its randomness.
        semantic_version: the codes that it reads.
        name: of its folder; by default made of the moment.

    Raises:
        InvalidInput: for a name that is no plain name of a folder.
    """
    name = name or f"{timezone.now():%Y%m%d-%H%M%S-%f}"
    if not NAME.fullmatch(name):
        raise InvalidInput(
            "A version's name has letters, digits, '.', '_' and '-', and at most 99 of them.",
            field="name",
        )
    return ModelVersion.objects.create(
        kind=kind,
        name=name,
        as_of=as_of,
        seed=seed,
        config=dict(config),
        semantic_version=semantic_version,
    )


def add_artifact(*, version: ModelVersion, artifact: Artifact, sizes: Sizes) -> ModelVersion:
    """Write the version's folder; a version in training becomes a candidate.

    Repeated after a process was killed on the way it writes the folder anew.

    Raises:
        CannotWrite: for a full disk; the version stays as it was.
        ArtifactError: where a tensor is not finite.
        UnusableVersion: where the version is no longer in training.
    """
    if not _state_is(version, State.TRAINING):
        raise UnusableVersion(f"{version} has its artifact already, which never changes.")
    place = folder(version)
    if place.exists():
        # Of a process that was killed after it: nothing refers to it yet.
        shutil.rmtree(place)
    digest = save_artifact(place, artifact)
    changed = ModelVersion.objects.filter(pk=version.pk, state=State.TRAINING).update(
        state=State.CANDIDATE,
        manifest_sha256=digest,
        metrics=dict(artifact.metrics),
        **asdict(sizes),
    )
    version.refresh_from_db()
    if not changed:
        raise UnusableVersion(f"{version} was {version.state} while its artifact was written.")
    return version


def load(version: ModelVersion) -> Artifact:
    """The version's artifact, each file of it checked.

    Raises:
        UnusableVersion: where the folder is missing, half-written, or was changed.
    """
    try:
        return load_artifact(folder(version), expect_sha256=version.manifest_sha256 or None)
    except (ArtifactError, OSError) as error:
        raise UnusableVersion(f"{version} cannot be used: {error}") from error


def check(version: ModelVersion) -> None:
    """Pass where the folder is whole and the one that was recorded.

    Raises:
        UnusableVersion: says what is wrong with it.
    """
    if not version.manifest_sha256:
        raise UnusableVersion(f"{version} has no artifact.")
    try:
        sealed.verify(folder(version), expect_sha256=version.manifest_sha256)
    except (ArtifactError, OSError) as error:
        raise UnusableVersion(f"{version} cannot be used: {error}") from error


def record_gate(*, version: ModelVersion, report: Mapping[str, Any]) -> None:
    """Keep what the gate found, whatever it found."""
    ModelVersion.objects.filter(pk=version.pk).update(gate=dict(report))
    version.gate = dict(report)


def add_metrics(*, version: ModelVersion, metrics: Mapping[str, Any]) -> None:
    """Keep further measurements of a version on its row; the folder stays as it was written."""
    version.refresh_from_db(fields=["metrics"])
    version.metrics = {**version.metrics, **metrics}
    ModelVersion.objects.filter(pk=version.pk).update(metrics=version.metrics)


def promote(*, version: ModelVersion, instead_of: ModelVersion | None = None) -> ModelVersion:
    """Make a candidate, or a retired version, live and retire the one that was, in one step.

    Args:
        version: the one to make live.
        instead_of: the one that must be live until now: what the gate compared with. None does
            not ask.

    Raises:
        CannotPromote: in another state, pruned, with a folder that is not whole, or where
            another version went live meanwhile.
    """
    try:
        check(version)
    except UnusableVersion as error:
        raise CannotPromote(error.detail) from error
    if reason := match_guard.why_not(version):
        raise CannotPromote(reason)
    with transaction.atomic():
        _lock(version.kind)
        live_now = ModelVersion.objects.live().filter(kind=version.kind)
        if instead_of is not None and not live_now.filter(pk=instead_of.pk).exists():
            raise CannotPromote(
                f"{instead_of} is no longer live, so {version} was compared with the wrong one: "
                "run the gate again."
            )
        now = timezone.now()
        live_now.exclude(pk=version.pk).update(state=State.RETIRED, retired_at=now)
        changed = (
            ModelVersion.objects.kept()
            .filter(pk=version.pk, state__in=PROMOTABLE)
            .update(state=State.LIVE, promoted_at=now, retired_at=None)
        )
        version.refresh_from_db()
        if not changed:
            raise CannotPromote(_why_not(version))
        _announce(version.kind)
    forget_live()
    return version


def roll_back(*, kind: str) -> ModelVersion:
    """Make the version live that was so before the live one, in one step; that version.

    Raises:
        CannotRollBack: where there is none, its folder is not whole, or another process changed
            the live version at the same moment.
    """
    current = _read_live(kind)
    if current is None:
        raise CannotRollBack(f"No version of the kind '{kind}' is live.")
    target = _previous(current)
    if target is None:
        raise CannotRollBack(f"No version was live before {current}, or none is kept.")
    try:
        check(target)
    except UnusableVersion as error:
        raise CannotRollBack(error.detail) from error
    if reason := match_guard.why_not(target):
        raise CannotRollBack(reason)
    with transaction.atomic():
        _lock(kind)
        one = ModelVersion.objects.filter(pk=current.pk, state=State.LIVE)
        other = ModelVersion.objects.kept().filter(pk=target.pk, state=State.RETIRED)
        is_same = one.update(state=State.RETIRED, retired_at=timezone.now())
        # `promoted_at` stays, so that a second roll back goes one further, not back and forth.
        if not (is_same and other.update(state=State.LIVE, retired_at=None)):
            raise CannotRollBack(f"Another version of the kind '{kind}' went live meanwhile.")
        _announce(kind)
    forget_live()
    target.refresh_from_db()
    return target


def refuse(
    *, version: ModelVersion, reasons: Sequence[str], report: Mapping[str, Any] | None = None
) -> ModelVersion:
    """Keep a version in training, or a candidate, from ever going live; says why.

    Raises:
        CannotPromote: where it is live or retired, hence was accepted once.
    """
    gate = {**(report or version.gate), "passed": False, "reasons": list(reasons)}
    changed = ModelVersion.objects.filter(
        pk=version.pk, state__in=[State.TRAINING, State.CANDIDATE, State.REFUSED]
    ).update(state=State.REFUSED, gate=gate)
    version.refresh_from_db()
    if not changed:
        raise CannotPromote(f"{version} is {version.state} and cannot be refused any more.")
    return version


def _read_live_of(kinds: Sequence[str]) -> dict[str, ModelVersion]:
    return {each.kind: each for each in ModelVersion.objects.live().filter(kind__in=kinds)}


def _read_live(kind: str) -> ModelVersion | None:
    found: ModelVersion | None = ModelVersion.objects.live().of_kind(kind).first()
    return found


def _previous(current: ModelVersion) -> ModelVersion | None:
    """The kept version that was live when the given one was promoted, or the last one before it.

    One that was rolled back from was retired later than that, so it is not come back to.
    """
    found: ModelVersion | None = (
        ModelVersion.objects.of_kind(current.kind)
        .kept()
        .filter(state=State.RETIRED, retired_at__lte=current.promoted_at)
        .order_by("-retired_at")
        .first()
    )
    return found


def _state_is(version: ModelVersion, state: str) -> bool:
    return ModelVersion.objects.filter(pk=version.pk, state=state).exists()


def _announce(kind: str) -> None:
    """Have the stored queries tried on what answers searches from now on."""
    if kind == ModelVersion.Kind.UNIFIED:
        enqueue_once("search.check_queries")


def _lock(kind: str) -> None:
    """One promotion of a kind at a time; the lock goes with the transaction."""
    wait_for(LOCK_SPACE, kind)


def _why_not(version: ModelVersion) -> str:
    if version.pruned_at is not None:
        return f"{version} was pruned: its folder and vectors are gone."
    if version.state == State.LIVE:
        return f"{version} is live already."
    if version.state == State.REFUSED:
        reasons = " ".join(version.gate.get("reasons", []))
        return f"{version} was refused. {reasons}".strip()
    return f"{version} is still in training."
