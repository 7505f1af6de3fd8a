"""What the importers' tests share."""

import json

import pytest

from catalog.partitions import forget_known_partitions
from catalog.progress import Progress


@pytest.fixture(autouse=True)
def forget_partitions():
    """A test's partitions go with its transaction; the process must not think they are there."""
    forget_known_partitions()
    yield
    forget_known_partitions()


@pytest.fixture
def write(tmp_path):
    """Write a file and give its path: text, bytes, or a list of objects as JSON Lines."""

    def write_file(name, content):
        path = tmp_path / name
        if isinstance(content, list):
            content = "".join(json.dumps(row) + "\n" for row in content)
        if isinstance(content, str):
            content = content.encode()
        path.write_bytes(content)
        return path

    return write_file


class Killed(BaseException):
    """Stands for a kill: nothing in the code expects it."""


class KillAfter(Progress):
    """Raises once so many rows are done."""

    def __init__(self, rows):
        self.left = rows

    def advance(self, n=1, message=""):
        self.left -= n
        if self.left <= 0:
            raise Killed


@pytest.fixture
def kill_after():
    return KillAfter


@pytest.fixture
def killed():
    return Killed
