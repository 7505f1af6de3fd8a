"""Bringing catalogs in: files, well-known data sets, and the two demos."""

from catalog.importers.demos import load_demo
from catalog.importers.tables import import_catalog, import_events

__all__ = ("import_catalog", "import_events", "load_demo")
