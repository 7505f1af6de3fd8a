"""The schemas of catalogs: made empty, and dropped with all that is in them."""

from django.db import ProgrammingError, connection, transaction
from django.db.backends.utils import CursorWrapper

from catalog import scope
from catalog.errors import Conflict

EXTENSIONS = ("vector", "pg_trgm", "unaccent")
_WHERE = """
SELECT extname, nspname FROM pg_extension
JOIN pg_namespace ON pg_namespace.oid = extnamespace WHERE extname = ANY(%s)
"""
# It was made where the extension lay at first.
_UNACCENT = f"""
CREATE OR REPLACE FUNCTION public.foray_unaccent(text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    AS $$ SELECT {scope.SHARED_SCHEMA}.unaccent('{scope.SHARED_SCHEMA}.unaccent'::regdictionary, $1)
    $$
"""


def make_schema(name: str) -> None:
    """An empty schema for a catalog; nothing where it stands already.

    Raises:
        Conflict: the database does not let us, with the statements that its owner has to run.
    """
    schema = scope.schema_of(name)
    try:
        with scope.use(scope.MAIN), transaction.atomic(), connection.cursor() as cursor:
            _share_extensions(cursor)
            cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    except ProgrammingError as error:
        moves = " ".join(
            f"ALTER EXTENSION {each} SET SCHEMA {scope.SHARED_SCHEMA};" for each in EXTENSIONS
        )
        raise Conflict(
            "The database's role may not make schemas or move extensions. Have its owner run: "
            f"CREATE SCHEMA {scope.SHARED_SCHEMA}; {moves} CREATE SCHEMA {schema}; and give the "
            f"role all rights on both schemas. ({str(error).splitlines()[0]})"
        ) from error


def drop_schema(name: str) -> None:
    """Remove a catalog's tables with everything in them."""
    if name == scope.MAIN:
        raise ValueError("the main catalog is never dropped")
    with scope.use(scope.MAIN), transaction.atomic(), connection.cursor() as cursor:
        # It takes as long as its tables are many; a request's limit would end it half way.
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(f"DROP SCHEMA IF EXISTS {scope.schema_of(name)} CASCADE")
    scope.PerCatalog.forget_everything_of(name)


def _share_extensions(cursor: CursorWrapper) -> None:
    """Move the extensions from the main catalog's schema into one that is nobody's."""
    cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {scope.SHARED_SCHEMA}")
    cursor.execute(_WHERE, [list(EXTENSIONS)])
    here = dict(cursor.fetchall())
    moved = [each for each in EXTENSIONS if here.get(each) == scope.schema_of(scope.MAIN)]
    for each in moved:
        cursor.execute(f"ALTER EXTENSION {each} SET SCHEMA {scope.SHARED_SCHEMA}")
    if "unaccent" in moved:
        cursor.execute(_UNACCENT)
