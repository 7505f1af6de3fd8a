"""System checks: trained versions can be written and read, and are what was recorded."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register
from django.db import connections

from recs import registry
from recs.errors import UnusableVersion
from recs.models import ModelVersion

# Warnings, not errors: where a version is broken the site answers without it, and the migration
# or the roll back that mends it must be able to run.


@register
def artifact_folder(**_: Any) -> list[CheckMessage]:
    """Where versions are written, folders that are still to be made included."""
    place = Path(settings.RECS_ARTIFACT_DIR)
    nearest = next(path for path in (place, *place.absolute().parents) if path.exists())
    if nearest.is_dir() and os.access(nearest, os.R_OK | os.W_OK | os.X_OK):
        return []
    return [
        Warning(
            f"No model version can be written to {place}: {nearest} cannot be written.",
            hint="Set RECS_ARTIFACT_DIR to a folder that the workers may write.",
            id="recs.W001",
        )
    ]


@register(Tags.database)
def live_artifacts(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Each live version's folder, hash by hash; `check --database default` asks for it."""
    table = ModelVersion._meta.db_table
    if "default" not in (databases or ()):
        return []
    if table not in connections["default"].introspection.table_names():
        return []
    found: list[CheckMessage] = []
    for version in ModelVersion.objects.live():
        try:
            registry.check(version)
        except UnusableVersion as error:
            found.append(
                Warning(
                    f"The live version cannot be used. {error.detail}",
                    hint=f"manage.py model_versions rollback {version.kind}",
                    obj=version,
                    id="recs.W002",
                )
            )
    return found
