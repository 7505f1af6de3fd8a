"""The connection: its search path is the catalog's schema, from the moment it is opened.

Set as a start-up parameter and not by a statement, so that no rollback undoes it and no connection
of the pool remembers another catalog's. `public` is in nobody's path but MAIN's: a table that a
catalog lacks is an error, not another catalog's table.
"""

from typing import Any

from django.db.backends.postgresql import base

from catalog import scope


class DatabaseWrapper(base.DatabaseWrapper):
    """One pool for each catalog; a cursor only for the catalog that the thread works in."""

    _pools: dict[str, dict[str, Any]] = {}
    _catalog = scope.MAIN

    @property
    def _connection_pools(self) -> dict[str, Any]:
        # Django keeps a pool for each alias in this mapping: here one mapping for each catalog.
        return self._pools.setdefault(scope.current(), {})

    def get_connection_params(self) -> dict[str, Any]:
        """Django's, with the catalog's search path."""
        params: dict[str, Any] = super().get_connection_params()
        path = f"-c search_path={scope.schema_of(scope.current())},{scope.SHARED_SCHEMA}"
        params["options"] = f"{params.get('options') or ''} {path}".strip()
        return params

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Django's, remembering whose it is."""
        connection = super().get_new_connection(conn_params)
        self._catalog = scope.current()
        return connection

    def create_cursor(self, name: str | None = None) -> Any:
        """Django's.

        Raises:
            WrongCatalog: where the open connection belongs to another catalog.
        """
        if self._catalog != scope.current():
            raise scope.WrongCatalog(
                f"A connection of '{self._catalog}' was asked for a cursor in '{scope.current()}'."
            )
        return super().create_cursor(name)
