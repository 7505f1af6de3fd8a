"""Whether the services this installation stands on can be reached, each by its name."""

import uuid
from dataclasses import dataclass

from django.core.cache import cache
from django.db import Error as DatabaseError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from kombu.exceptions import OperationalError as BrokerError
from psycopg_pool import PoolTimeout

from catalog.enqueue import impatient_connection

BROKER_SECONDS = 1


@dataclass(frozen=True, slots=True)
class Check:
    """One service: whether it works, what is wrong, whether requests can do without it."""

    name: str
    is_ok: bool
    detail: str = ""
    is_needed: bool = True


def check_services() -> list[Check]:
    """Every service; the reason is for operators and names no secret."""
    database = _database()
    migrations = (
        _migrations() if database.is_ok else Check("migrations", False, "the database is away")
    )
    return [database, migrations, _cache(), _broker()]


def _database() -> Check:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, PoolTimeout):
        return Check("database", False, "it cannot be reached")
    return Check("database", True)


def _migrations() -> Check:
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        return Check("migrations", False, f"{len(missing)} to apply: run manage.py migrate")
    return Check("migrations", True)


def _cache() -> Check:
    value = uuid.uuid4().hex
    cache.set("health", value, timeout=10)
    if cache.get("health") != value:
        return Check("cache", False, "it cannot be reached: answers are slower", is_needed=False)
    return Check("cache", True)


def _broker() -> Check:
    try:
        with impatient_connection() as broker:
            broker.ensure_connection(max_retries=1, interval_start=0, timeout=BROKER_SECONDS)
    except (BrokerError, OSError):
        detail = "it cannot be reached: background work waits"
        return Check("broker", False, detail, is_needed=False)
    return Check("broker", True)
