"""API keys: issued once, stored as a hash, looked up by it."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Q
from django.utils import timezone

from catalog import scope
from catalog.errors import InvalidInput
from catalog.models import ApiKey

PREFIX = "fry_"
# Characters of a secret that are shown, so that people can tell keys apart.
SHOWN = 8
SECRET_BYTES = 32
MAX_SECRET_CHARACTERS = 200
MAX_RATE_PER_MINUTE = 1_000_000
# Telling when a key was last used is not worth a write for each request.
LAST_USED_EVERY = timedelta(minutes=1)


def issue_key(
    *,
    name: str,
    scopes: Sequence[str],
    rate_per_minute: int = 600,
    created_by: AbstractBaseUser | None = None,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """A new key and its secret, which is shown now and never again."""
    if not name.strip() or len(name) > 100 or "\x00" in name:
        raise InvalidInput("A key needs a name of at most 100 characters.", field="name")
    unknown = [scope for scope in scopes if scope not in ApiKey.Scope.values]
    if unknown or not scopes:
        wrong = f"Unknown scope '{unknown[0]}'." if unknown else "A key needs a scope."
        raise InvalidInput(f"{wrong} Scopes are: {', '.join(ApiKey.Scope.values)}.", field="scopes")
    if not 1 <= rate_per_minute <= MAX_RATE_PER_MINUTE:
        raise InvalidInput(
            f"The rate is 1 to {MAX_RATE_PER_MINUTE} requests a minute.", field="rate_per_minute"
        )
    start = _start()
    secret = start + secrets.token_urlsafe(SECRET_BYTES)
    key = ApiKey.objects.create(
        name=name.strip(),
        prefix=secret[: len(start) + SHOWN],
        key_hash=hash_secret(secret),
        scopes=list(dict.fromkeys(scopes)),
        rate_per_minute=rate_per_minute,
        created_by_id=created_by.pk if created_by else None,
        expires_at=expires_at,
    )
    return key, secret


def authenticate(secret: str) -> ApiKey | None:
    """The valid key with this secret; None where it is unknown, expired or revoked."""
    if not secret.startswith(_start()) or len(secret) > MAX_SECRET_CHARACTERS:
        return None
    now = timezone.now()
    key = (
        ApiKey.objects.filter(key_hash=hash_secret(secret), revoked_at__isnull=True)
        .filter(Q(expires_at__isnull=True) | Q(expires_at__gt=now))
        .first()
    )
    if key and (key.last_used_at is None or now - key.last_used_at > LAST_USED_EVERY):
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
    return key


def catalog_of(secret: str) -> str | None:
    """The catalog that a secret says it is a key of; None where it is no key of ours.

    A key of the main catalog is "fry_..."; one of another is "fry_NAME....": so a key leads to its
    catalog, in which alone it is looked up.
    """
    if not secret.startswith(PREFIX):
        return None
    name, dot, _ = secret.removeprefix(PREFIX).partition(".")
    if not dot:
        return scope.MAIN
    return name if scope.NAME.fullmatch(name) else None


def revoke(*, key: ApiKey) -> bool:
    """End a key from the next request on; False where it was revoked before."""
    changed = ApiKey.objects.filter(pk=key.pk, revoked_at__isnull=True)
    return bool(changed.update(revoked_at=timezone.now()))


def _start() -> str:
    """What the secrets of this catalog begin with."""
    name = scope.current()
    return PREFIX if name == scope.MAIN else f"{PREFIX}{name}."


def hash_secret(secret: str) -> str:
    """What is stored of a secret. It has 256 random bits: a slow hash would add nothing."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()
