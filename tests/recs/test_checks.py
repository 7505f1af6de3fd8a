import pytest
from django.core.checks import run_checks

from recs import checks, registry
from tests.recs.versions import promoted


def test_a_folder_that_is_still_to_be_made_is_no_reason_to_complain(settings, tmp_path):
    settings.RECS_ARTIFACT_DIR = tmp_path / "not" / "yet"
    assert checks.artifact_folder() == []


def test_a_place_that_cannot_be_written_is_told(settings, tmp_path):
    taken = tmp_path / "file"
    taken.write_text("")
    settings.RECS_ARTIFACT_DIR = taken / "models"
    assert [message.id for message in checks.artifact_folder()] == ["recs.W001"]
    assert "recs.W001" in [message.id for message in run_checks()]


@pytest.mark.django_db
def test_a_live_version_that_was_changed_on_disk_is_told_when_the_database_is_asked():
    version = promoted("one")
    assert checks.live_artifacts(databases=["default"]) == []
    (registry.folder(version) / "config.json").write_text("{}")
    (message,) = checks.live_artifacts(databases=["default"])
    assert (message.id, message.obj) == ("recs.W002", version)
    assert "rollback user_model" in message.hint
    assert checks.live_artifacts(databases=None) == []
