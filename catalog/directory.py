"""Which catalogs an installation has, and which of them a host name leads to.

The rows lie in the main catalog; a process reads them anew every few seconds.
"""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import IntegrityError, transaction
from django.http.request import validate_host

from catalog import scope
from catalog.errors import Conflict, InvalidInput, NotFound
from catalog.models import Catalog

# A process may be that late to learn of a new catalog, or of another host.
READ_SECONDS = 5.0
MOST_HOSTS = 50
_HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*")


@dataclass(frozen=True, slots=True)
class Known:
    """A catalog beside the main one."""

    name: str
    hosts: tuple[str, ...]
    is_ready: bool


_read: tuple[float, tuple[Known, ...]] | None = None
# The row that each name stood for when it was read last.
_stood: dict[str, int] = {}


def known() -> tuple[Known, ...]:
    """The catalogs beside the main one, as of some seconds ago."""
    global _read
    if _read is None or time.monotonic() - _read[0] > READ_SECONDS:
        with scope.use(scope.MAIN):
            rows = list(Catalog.objects.order_by("name"))
            found = tuple(
                Known(row.name, tuple(row.hosts), row.state == Catalog.State.READY) for row in rows
            )
        _forget_others({row.name: row.pk for row in rows})
        _read = (time.monotonic(), found)
    return _read[1]


def _forget_others(now: dict[str, int]) -> None:
    """Nothing is remembered of a catalog that is gone, or that another one has the name of."""
    for name in [name for name, row in _stood.items() if now.get(name) != row]:
        scope.PerCatalog.forget_everything_of(name)
    _stood.clear()
    _stood.update(now)


def assume(catalogs: Sequence[Known]) -> None:
    """Take these for what is known, for good: for tests of an installation without a database."""
    global _read
    _read = (float("inf"), tuple(catalogs))


def forget() -> None:
    """Read them anew at the next call."""
    global _read
    _read = None


def of_host(host: str) -> Known | None:
    """The catalog that a host name (without a port) leads to; None for the main one."""
    wanted = host.lower().rstrip(".")
    return next((one for one in known() if wanted in one.hosts), None)


def of_name(name: str) -> Known | None:
    """The catalog of that name; None where there is none beside the main one."""
    return next((one for one in known() if one.name == name), None)


def exists(name: str) -> bool:
    """Whether there is such a catalog, ready or not; read anew before it is denied."""
    if name == scope.MAIN or of_name(name) is not None:
        return True
    forget()
    return of_name(name) is not None


def ready() -> list[str]:
    """Names of the catalogs that work can be done in, the main one first."""
    return [scope.MAIN, *(one.name for one in known() if one.is_ready)]


def register(*, name: str, hosts: Sequence[str]) -> Catalog:
    """Note a catalog that is about to be made.

    Raises:
        InvalidInput: names `name` or `hosts`.
        Conflict: the name is taken.
    """
    if not scope.NAME.fullmatch(name) or name == scope.MAIN:
        raise InvalidInput(
            "A catalog's name has 1 to 30 small letters and digits, a letter first, and is not "
            f"'{scope.MAIN}'.",
            field="name",
        )
    checked = check_hosts(hosts, name=name)
    try:
        with transaction.atomic():
            catalog = Catalog.objects.create(name=name, hosts=checked)
    except IntegrityError as error:
        raise Conflict(f"There is a catalog '{name}' already.", field="name") from error
    forget()
    return catalog


def set_hosts(*, name: str, hosts: Sequence[str]) -> Catalog:
    """Let other host names lead to a catalog.

    Raises:
        InvalidInput: names `hosts`.
        NotFound: where there is no such catalog.
    """
    catalog = _row(name)
    catalog.hosts = check_hosts(hosts, name=name)
    catalog.save(update_fields=["hosts"])
    forget()
    return catalog


def check_hosts(hosts: Sequence[str], *, name: str) -> list[str]:
    """Host names in small letters, each once.

    Raises:
        InvalidInput: one is none, is not allowed here, or leads to another catalog.
    """
    wanted = list(dict.fromkeys(host.strip().lower().rstrip(".") for host in hosts if host.strip()))
    if len(wanted) > MOST_HOSTS:
        raise InvalidInput(f"A catalog has at most {MOST_HOSTS} host names.", field="hosts")
    taken = {
        host: one.name for one in Catalog.objects.exclude(name=name) for host in one.hosts
    }  # fmt: skip
    for host in wanted:
        if len(host) > 253 or not _HOST.fullmatch(host):
            raise InvalidInput(
                f"'{host[:100]}' is no host name: write it without a port and without https://.",
                field="hosts",
            )
        if not validate_host(host, settings.ALLOWED_HOSTS):
            raise InvalidInput(
                f"Requests for '{host}' are refused here: add it to ALLOWED_HOSTS first.",
                field="hosts",
            )
        if host in taken:
            raise InvalidInput(f"'{host}' leads to the catalog '{taken[host]}'.", field="hosts")
    return wanted


def mark_ready(name: str) -> None:
    """Let requests reach a catalog that was made."""
    Catalog.objects.filter(name=name).update(state=Catalog.State.READY)
    forget()


def withdraw(name: str) -> None:
    """Let no request reach a catalog any more; it can still be removed, or made whole.

    Raises:
        NotFound: where there is no such catalog.
    """
    Catalog.objects.filter(pk=_row(name).pk).update(state=Catalog.State.MAKING)
    forget()


def unregister(name: str) -> None:
    """Forget a catalog.

    Raises:
        NotFound: where there is no such catalog.
    """
    _row(name).delete()
    forget()


def _row(name: str) -> Catalog:
    catalog = Catalog.objects.filter(name=name).first()
    if catalog is None:
        raise NotFound(f"There is no catalog '{name[:100]}' beside the main one.", field="name")
    return catalog
