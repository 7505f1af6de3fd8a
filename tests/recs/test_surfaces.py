"""The switch of each surface: who is answered by what, and who may change it."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from catalog.types import Viewer
from recs.models import ModelVersion, QualityWeights, Surface
from recs.surfaces import is_control, mixing, setting, why_not
from tests.recs.versions import promoted

WHO = Viewer(anonymous_id="guest-1")


def test_without_a_row_the_defaults_count(db):
    assert setting("home").engine == Surface.Engine.AUTO
    assert mixing("home").is_off


def test_automatic_follows_the_gate_of_the_version(db):
    version = ModelVersion(kind="unified", gate={})
    assert why_not("search", WHO, version) == "not_better"
    version.gate = {"surfaces": ["search"]}
    assert why_not("search", WHO, version) == ""
    assert why_not("home", WHO, version) == "not_better"
    Surface.objects.create(key="home", engine=Surface.Engine.UNIFIED)
    assert why_not("home", WHO, version) == ""
    Surface.objects.create(key="search", engine=Surface.Engine.FIRST)
    assert why_not("search", WHO, version) == "switched_off"


def test_the_control_group_is_the_same_people_each_time_and_of_the_size_asked_for(db):
    surface = Surface(key="home", control_percent=20)
    people = [Viewer(person_id=n) for n in range(1, 2001)]
    first = [is_control(surface, one) for one in people]
    assert first == [is_control(surface, one) for one in people]
    assert 0.16 < sum(first) / len(first) < 0.24
    other = [is_control(Surface(key="search", control_percent=20), one) for one in people]
    assert other != first
    assert not any(is_control(Surface(key="home"), one) for one in people)


@pytest.mark.parametrize(
    "changes", [{"key": "cart"}, {"engine": "magic"}, {"control_percent": 101}]
)
def test_what_means_nothing_is_refused_by_the_database_too(db, changes):
    surface = Surface(**({"key": "home"} | changes))
    with pytest.raises(ValidationError):
        surface.full_clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        surface.save()


def test_weights_of_quality_have_bounds(db, settings, tmp_path):
    settings.RECS_ARTIFACT_DIR = tmp_path
    version = promoted(kind="unified")
    with pytest.raises(IntegrityError), transaction.atomic():
        QualityWeights.objects.create(version=version, rating=0.6)
    with pytest.raises(IntegrityError), transaction.atomic():
        QualityWeights.objects.create(version=version, recent=-0.1)
    assert QualityWeights.objects.create(version=version, rating=0.5).rating == 0.5
