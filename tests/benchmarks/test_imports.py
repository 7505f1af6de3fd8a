"""Every benchmark can be begun: nobody runs all of them after a name was changed."""

import importlib
import pkgutil

import pytest

import benchmarks

MODULES = sorted(
    found.name
    for found in pkgutil.walk_packages(benchmarks.__path__, "benchmarks.")
    if not found.name.endswith("__main__")
)


@pytest.mark.parametrize("name", MODULES)
def test_it_imports(name):
    assert importlib.import_module(name)
