import pytest

from catalog import profiles
from catalog.errors import InvalidInput
from catalog.models import Profile
from catalog.profiles import current_profile, forget_profile, save_profile

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_memory():
    forget_profile()
    yield
    forget_profile()


def test_there_is_always_a_profile():
    assert current_profile().name == "Foray"
    assert Profile.objects.count() == 1


def test_it_is_read_once_in_ten_seconds(monkeypatch, django_assert_num_queries):
    clock = [100.0]
    monkeypatch.setattr(profiles.time, "monotonic", lambda: clock[0])
    current_profile()
    Profile.objects.update(name="Changed elsewhere")
    clock[0] += 9
    with django_assert_num_queries(0):
        assert current_profile().name == "Foray"
    clock[0] += 2
    assert current_profile().name == "Changed elsewhere"


def test_a_change_here_is_seen_at_once():
    current_profile()
    save_profile(name="Films", range_facet="year")
    assert (current_profile().name, current_profile().range_facet) == ("Films", "year")
    assert Profile.objects.count() == 1


def test_an_unknown_field_is_refused():
    with pytest.raises(InvalidInput) as caught:
        save_profile(nome="x")
    assert caught.value.field == "nome"
