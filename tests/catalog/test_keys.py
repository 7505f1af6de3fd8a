from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from catalog.errors import InvalidInput
from catalog.keys import authenticate, issue_key, revoke
from catalog.models import ApiKey

pytestmark = pytest.mark.django_db


def test_a_key_opens_and_its_secret_is_stored_nowhere():
    key, secret = issue_key(name="shop", scopes=["read", "events:write"])
    assert secret.startswith("fry_")
    assert len(secret) > 40
    assert authenticate(secret) == key
    assert secret not in str(ApiKey.objects.values().get())
    assert secret.startswith(key.prefix)


def test_two_keys_differ():
    assert issue_key(name="a", scopes=["read"])[1] != issue_key(name="a", scopes=["read"])[1]


@pytest.mark.parametrize(
    "secret", ["", "fry_", "fry_wrong", "x" * 10_000, "fry_" + "é\x00\ud800", "fry_" + "x" * 10_000]
)
def test_what_is_no_key_opens_nothing(secret):
    issue_key(name="a", scopes=["read"])
    assert authenticate(secret) is None


def test_an_expired_key_opens_nothing():
    now = timezone.now()
    _, late = issue_key(name="a", scopes=["read"], expires_at=now - timedelta(seconds=1))
    _, early = issue_key(name="a", scopes=["read"], expires_at=now + timedelta(minutes=1))
    assert authenticate(late) is None
    assert authenticate(early) is not None


def test_a_revoked_key_opens_nothing_from_then_on():
    key, secret = issue_key(name="a", scopes=["read"])
    assert revoke(key=key) is True
    assert authenticate(secret) is None
    assert revoke(key=key) is False


def test_use_is_noted_at_most_once_a_minute(django_assert_num_queries):
    key, secret = issue_key(name="a", scopes=["read"])
    authenticate(secret)
    first = ApiKey.objects.get().last_used_at
    assert first is not None
    with django_assert_num_queries(1):
        authenticate(secret)
    ApiKey.objects.filter(pk=key.pk).update(last_used_at=first - timedelta(minutes=2))
    authenticate(secret)
    assert ApiKey.objects.get().last_used_at >= first


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["write"]}, "scopes"),
        ({"rate_per_minute": 0}, "rate_per_minute"),
    ],
)
def test_a_key_that_makes_no_sense_is_refused(fields, field):
    with pytest.raises(InvalidInput) as caught:
        issue_key(**{"name": "a", "scopes": ["read"], **fields})
    assert caught.value.field == field


def test_the_command_prints_the_secret_alone_on_standard_output():
    out, err = StringIO(), StringIO()
    call_command(
        "create_api_key", "shop", "--scope", "read", "--scope", "labels", "--rate", "5",
        "--days", "3", stdout=out, stderr=err,
    )  # fmt: skip
    key = authenticate(out.getvalue().strip())
    assert (key.name, key.scopes, key.rate_per_minute) == ("shop", ["read", "labels"], 5)
    assert timedelta(days=2) < key.expires_at - timezone.now() <= timedelta(days=3)
    assert "cannot be shown again" in err.getvalue()


def test_the_command_names_the_scopes_there_are():
    with pytest.raises(CommandError, match="events:write"):
        call_command("create_api_key", "shop", "--scope", "events")
