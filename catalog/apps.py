from collections.abc import Iterator, MutableMapping
from typing import Any

from django.apps import AppConfig

from catalog.scope import PerCatalog


class _CatalogsOwn(MutableMapping[str, Any]):
    """A mapping with other contents in each catalog."""

    def __init__(self) -> None:
        self._all: PerCatalog[dict[str, Any]] = PerCatalog(dict)

    def __getitem__(self, key: str) -> Any:
        return self._all.value[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._all.value[key] = value

    def __delitem__(self, key: str) -> None:
        del self._all.value[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all.value)

    def __len__(self) -> int:
        return len(self._all.value)


class CatalogConfig(AppConfig):
    """The catalog app."""

    name = "catalog"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Keep Django's content types, which it remembers by number, for each catalog apart."""
        from django.contrib.contenttypes.models import ContentType

        ContentType.objects._cache = _CatalogsOwn()  # type: ignore[attr-defined]
